"""A moment as a film that plays in any browser: made when it is first asked for, then kept."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import checkpoint
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.export.waiting_cut import OnStart, WaitingCut
from app.media_response import MediaResponse
from indexer.errors import MediaMissing
from indexer.previews import Moment, PreviewStore

MAX_AGE = "private, max-age=3600"
"""Not for good, as a later version may make better ones."""


@dataclass(frozen=True)
class WantedPreview:
    """What to show, and where it is kept."""

    path: Path
    moment: Moment
    max_bytes: int
    store: PreviewStore
    require_video: Callable[[], None]
    """Raises UnknownClip when the video was deleted meanwhile: nothing of it may be kept then."""


class ClipPreview(Response):
    """The answer that makes a preview unless there is one."""

    media_type = "video/mp4"

    def __init__(self, wanted: WantedPreview, limiter: CapacityLimiter) -> None:
        """Make as many at a time as ``limiter`` allows; others wait."""
        super().__init__(media_type=self.media_type)
        self._wanted = wanted
        self._cut = WaitingCut(self._make, limiter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the preview or the part that is asked for.

        Raises CutFailed, MediaMissing, StorageFull and UnknownClip before anything is sent.
        """
        wanted = self._wanted
        path = await to_thread.run_sync(wanted.store.find, wanted.moment)
        if path is None:
            path = await self._cut.result(receive)
        if path is None:
            await checkpoint()  # ends the request in its own way when it is the service that stops
            return
        response = MediaResponse(
            path,
            media_type=self.media_type,
            headers={"Cache-Control": MAX_AGE},
            stat_result=await to_thread.run_sync(self._look_at, path),
        )
        await response(scope, receive, send)

    def _look_at(self, path: Path) -> os.stat_result:
        """Return what is known of the file; raises UnknownClip and MediaMissing when it was just deleted."""
        try:
            return path.stat()
        except FileNotFoundError as error:
            self._wanted.require_video()
            message = "the preview made room for others before it was sent: ask again"
            raise MediaMissing(message) from error

    def _make(self, on_start: OnStart) -> Path:
        """Make it, in a thread, unless another request did while this one waited."""
        wanted = self._wanted
        path = wanted.store.find(wanted.moment)
        if path is None:
            path = wanted.store.make(wanted.path, wanted.moment, wanted.max_bytes, on_start)
        try:
            wanted.require_video()
        except Exception:
            path.unlink(missing_ok=True)
            raise
        return path
