"""Which answers that may name videos are being made: a deletion waits for those that began before it."""

import threading

from starlette.types import ASGIApp, Receive, Scope, Send

WATCHED_PATHS = ("/search", "/export/")
"""Beginnings of the addresses that answer with hits."""


class SearchesInFlight:
    """Counts searches from their request to the last byte of their answer; any thread may ask."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: set[int] = set()
        self._begun = 0

    def begin(self) -> int:
        """Return the number of a search that begins now."""
        with self._changed:
            self._begun += 1
            self._running.add(self._begun)
            return self._begun

    def end(self, number: int) -> None:
        """Take note that a search is answered."""
        with self._changed:
            self._running.discard(number)
            self._changed.notify_all()

    def wait_for_earlier(self, patience_s: float) -> bool:
        """Return once every search that has begun by now is answered; False when that takes too long.

        Those that begin later are not waited for.
        """
        with self._changed:
            latest = self._begun
            return self._changed.wait_for(
                lambda: all(number > latest for number in self._running), timeout=patience_s
            )


class SearchCount:
    """ASGI middleware that counts the searches of the application's services."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(WATCHED_PATHS):
            await self.app(scope, receive, send)
            return
        searches: SearchesInFlight = scope["app"].state.live.current.searches
        number = searches.begin()
        try:
            await self.app(scope, receive, send)
        finally:
            searches.end(number)
