"""What goes around every request: an id, security headers, and problem+json as the form of every error.

A plain ASGI class, because Starlette's own last resort sits outside all middleware: its answers would carry
neither id nor headers.
"""

import asyncio
import logging
import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import problem_of_status
from app.problem_responses import PROBLEM_JSON, detail_of_status, problem_response

REQUEST_ID_HEADER = "X-Request-ID"

SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""An id from outside is written to logs and headers, so it must be harmless there."""

SECURITY_HEADERS = {
    # The page is HTML, CSS and modules of our own: nothing from elsewhere, nothing inline, in nobody's frame.
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",  # an uploaded "video" must never be run as a page
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # the words of a search are in the page's address
    "Cross-Origin-Resource-Policy": "same-origin",
}

KEPT_HEADERS = ("allow", "content-range", "retry-after")
"""What a client needs from an error answer that is replaced by a problem."""

log = logging.getLogger(__name__)


class RequestEnvelope:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        request.state.request_id = _request_id(request)
        answer = _Answer(request, receive, send)
        try:
            await self.app(scope, receive, answer.send)
        except asyncio.CancelledError:  # the service is being stopped and will not wait any longer
            if answer.has_started:
                raise
            await answer.send_problem(503, {"Retry-After": "5"})
        except Exception:
            log.exception("request failed", extra={"request_id": request.state.request_id})
            if answer.has_started:
                raise  # half an answer is out: only a broken connection can tell the client
            await answer.send_problem(500)


class _Answer:
    """The way out of one request."""

    def __init__(self, request: Request, receive: Receive, send: Send) -> None:
        self.request, self._receive, self._send = request, receive, send
        self.has_started = False
        self._is_replaced = False

    async def send(self, message: Message) -> None:
        """Send what the application sends, with our headers; an error of another form becomes a problem."""
        if message["type"] == "http.response.start":
            headers = Headers(raw=message["headers"])
            is_problem = headers.get("content-type", "").startswith(PROBLEM_JSON)
            if message["status"] >= 400 and not is_problem:
                self._is_replaced = True
                kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
                await self.send_problem(message["status"], kept)
                return
            await self._start(message)
        elif not self._is_replaced:
            await self._send(message)

    async def send_problem(self, status: int, headers: dict[str, str] | None = None) -> None:
        """Send the problem of a status of the framework."""
        detail = detail_of_status(self.request, status)
        response = problem_response(self.request, problem_of_status(status), detail, headers=headers)
        await response(self.request.scope, self._receive, self._send_own)

    async def _send_own(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        else:
            await self._send(message)

    async def _start(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        headers[REQUEST_ID_HEADER] = self.request.state.request_id
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        self.has_started = True
        await self._send(message)


def _request_id(request: Request) -> str:
    given = request.headers.get(REQUEST_ID_HEADER, "")
    return given if SAFE_REQUEST_ID.fullmatch(given) else uuid4().hex
