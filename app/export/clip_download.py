"""A moment as an mp4 to keep: cut while the client waits, sent from a file that nobody else sees.

``async`` because only the event loop hears that the client has gone: then the cutting process is ended.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.attachment import attachment
from app.errors import CutFailed
from indexer.clip_cutting import Cutting, cutting
from indexer.errors import DecoderCrashed, DecoderStalled, IndexingError, MediaMissing

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class WantedCut:
    """What to cut, and what to call it."""

    path: Path
    start_s: float
    end_s: float
    folder: Path
    """Where the file grows; it has no name any more while it is sent."""
    max_bytes: int
    name: str


class ClipDownload(Response):
    """The answer that cuts a moment when it is sent."""

    media_type = "video/mp4"

    def __init__(self, wanted: WantedCut, limiter: CapacityLimiter) -> None:
        """Cut as many at a time as ``limiter`` allows; others wait."""
        super().__init__(media_type=self.media_type)
        self._wanted, self._limiter = wanted, limiter
        self._cutting: Cutting | None = None
        self._is_stopped = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut and send; raises CutFailed and MediaMissing before anything is sent."""
        stream = await self._cut(receive)
        if stream is None:
            await checkpoint()  # ends the request in its own way when it is the service that stops
            return
        with stream:
            headers = {
                "Content-Disposition": attachment(self._wanted.name, "mp4"),
                "Content-Length": str(os.fstat(stream.fileno()).st_size),
                "Cache-Control": "private, no-store",
            }
            response = StreamingResponse(_chunks(stream), media_type=self.media_type, headers=headers)
            await response(scope, receive, send)

    async def _cut(self, receive: Receive) -> BinaryIO | None:
        """Return the finished file; None when the client did not wait for it."""
        stream: BinaryIO | None = None
        failure: IndexingError | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._stop_when_gone, receive, group)
            try:
                async with self._limiter:
                    stream = await to_thread.run_sync(self._make)
            except IndexingError as error:
                failure = None if self._is_stopped else error
            group.cancel_scope.cancel()
        if failure is not None:
            if isinstance(failure, MediaMissing):  # its text names a path of the server
                raise MediaMissing("the video's file is gone from the disk: put it back") from failure
            raise CutFailed(_reason(failure)) from failure
        return stream

    def _make(self) -> BinaryIO | None:
        """Cut, in a thread; the file is opened before its name is deleted."""
        wanted = self._wanted
        with cutting(wanted.path, wanted.start_s, wanted.end_s, wanted.folder, wanted.max_bytes) as cut:
            self._cutting = cut
            if self._is_stopped:
                return None
            return cut.wait().open("rb")

    async def _stop_when_gone(self, receive: Receive, group: TaskGroup) -> None:
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()
        finally:  # also when the service is being stopped
            self._is_stopped = True
            if self._cutting is not None:
                self._cutting.stop()


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _reason(failure: IndexingError) -> str:
    """Return what a client may know: not what a dying process said."""
    if isinstance(failure, DecoderCrashed | DecoderStalled):
        log.warning("a moment could not be cut", extra={"action": "cut_failed", "reason": str(failure)})
        return "the process that cut it died or took too long: the video is damaged, or too large to decode"
    return str(failure)
