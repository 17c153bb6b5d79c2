"""A file as an answer, whole or in part."""

from fastapi.responses import FileResponse
from starlette.datastructures import MutableHeaders
from starlette.types import Receive, Scope, Send


class MediaResponse(FileResponse):
    """A file that ignores a ``Range`` in another unit than bytes, as RFC 9110 (14.2) asks for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or the part of it that the request asks for."""
        headers = MutableHeaders(raw=list(scope["headers"]))
        unit = headers.get("range", "").partition("=")[0]
        if unit.strip().lower() != "bytes":
            del headers["range"]
        await super().__call__({**scope, "headers": headers.raw}, receive, send)
