"""How bytes come in: forms, resumable uploads, paths on the server."""
