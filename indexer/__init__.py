"""Video file in, rows and vectors out: decoding, clips, catalog, vector index, batch and worker."""
