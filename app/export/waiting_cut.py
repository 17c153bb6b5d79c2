"""A moment that is cut while a client waits for it.

``async`` because only the event loop hears that the client has gone: then the cutting process is ended.
"""

import errno
import logging
from collections.abc import Callable
from typing import Generic, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.abc import TaskGroup
from starlette.types import Receive

from app.errors import CutFailed, StorageFull
from app.request_error import RequestError
from indexer.clip_cutting import Cutting
from indexer.errors import DecoderCrashed, DecoderStalled, DiskFull, IndexingError, MediaMissing

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)

Made = TypeVar("Made")
OnStart = Callable[[Cutting], None]


class WaitingCut(Generic[Made]):
    """What ``make`` cuts in a thread, as many at a time as ``limiter`` allows; others wait.

    ``make`` is given what to call with the cut as soon as it runs.
    """

    def __init__(self, make: Callable[[OnStart], Made], limiter: CapacityLimiter) -> None:
        """Start nothing yet."""
        self._make, self._limiter = make, limiter
        self._cutting: Cutting | None = None
        self._is_stopped = False

    async def result(self, receive: Receive) -> Made | None:
        """Return what was made; None when the client did not wait for it.

        Raises CutFailed, MediaMissing and StorageFull.
        """
        made: Made | None = None
        failure: IndexingError | RequestError | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._stop_when_gone, receive, group)
            try:
                async with self._limiter:
                    made = await to_thread.run_sync(self._run)
            except (IndexingError, RequestError) as error:
                failure = None if self._is_stopped else error
            group.cancel_scope.cancel()
        if failure is not None:
            raise _problem(failure) from failure
        return made

    def _run(self) -> Made:
        try:
            return self._make(self._started)
        except OSError as error:
            if error.errno in FULL_DISK:
                raise DiskFull(f"no room for a cut: {error.strerror}") from error
            raise

    def _started(self, cut: Cutting) -> None:
        self._cutting = cut
        if self._is_stopped:
            cut.stop()

    async def _stop_when_gone(self, receive: Receive, group: TaskGroup) -> None:
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()
        finally:  # also when the service is being stopped
            self._is_stopped = True
            if self._cutting is not None:
                self._cutting.stop()


def _problem(failure: IndexingError | RequestError) -> Exception:
    """Return what a client may know: neither a path of the server nor what a dying process said."""
    if isinstance(failure, RequestError):
        return failure
    if isinstance(failure, MediaMissing):
        return MediaMissing("the video's file is gone from the disk: put it back")
    if isinstance(failure, DiskFull):
        return StorageFull("the disk became full while the clip was cut: free some space, then ask again")
    if isinstance(failure, DecoderCrashed | DecoderStalled):
        log.warning("a moment could not be cut", extra={"action": "cut_failed", "reason": str(failure)})
        return CutFailed(
            "the process that cut it died or took too long: the video is damaged, or too large to decode"
        )
    return CutFailed(str(failure))
