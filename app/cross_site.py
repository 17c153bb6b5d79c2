"""What the pages of other sites may ask for in the browser of somebody who can reach this service: no change.

The rules are those of Go's ``http.CrossOriginProtection``: what only reads is let through, as no other page
may see the answer; so is what no browser sent. A browser says where a request comes from: in
``Sec-Fetch-Site`` (https and the loopback), else in ``Origin``, which must be the host that was asked for.
"""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import CrossSiteRequest
from app.problem_responses import answer_error

READING = ("GET", "HEAD", "OPTIONS")

OWN_SITES = ("same-origin", "none")
"""``none``: a person typed the address."""


class CrossSiteGuard:
    """ASGI middleware that refuses what another site's page sends to change something."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] not in READING and (site := _other_site(scope)):
            answer = answer_error(Request(scope), CrossSiteRequest(site))
            await answer(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _other_site(scope: Scope) -> str | None:
    """Return the site whose page sent a request; None when it is ours or no page did."""
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return None if site in OWN_SITES else origin or site
    if origin is None or origin.partition("://")[2] in _own_hosts(headers):
        return None
    return origin


def _own_hosts(headers: Headers) -> list[str]:
    """Return the names that a request calls this service by; no page can set either for another site."""
    return [headers[name] for name in ("host", "x-forwarded-host") if name in headers]
