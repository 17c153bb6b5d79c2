"""What tus asks of every request and answer: the method override, and the version in each answer."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.upload_errors import TUS_VERSION

PREFIX = "/uploads"

OVERRIDE = "X-HTTP-Method-Override"
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST")


class TusEnvelope:
    """ASGI middleware that leaves alone whatever is not below ``/uploads``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == PREFIX or path.startswith(f"{PREFIX}/")):
            await self.app(scope, receive, send)
            return

        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Tus-Resumable"] = TUS_VERSION
            await send(message)

        meant = Headers(scope=scope).get(OVERRIDE, "").upper()  # of clients that cannot send PATCH or DELETE
        method = meant if meant in METHODS else scope["method"]
        await self.app({**scope, "method": method}, receive, send_with_version)
