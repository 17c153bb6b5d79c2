"""A moment as an mp4 to keep: cut while the client waits, sent from a file that nobody else sees."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from anyio import CapacityLimiter
from anyio.lowlevel import checkpoint
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.attachment import attachment
from app.export.waiting_cut import OnStart, WaitingCut
from indexer.clip_cutting import cutting

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
        self._wanted = wanted
        self._cut = WaitingCut(self._make, limiter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut and send; raises CutFailed, MediaMissing and StorageFull before anything is sent."""
        stream = await self._cut.result(receive)
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

    def _make(self, on_start: OnStart) -> BinaryIO:
        """Cut, in a thread; the file is opened before its name is deleted."""
        wanted = self._wanted
        with cutting(wanted.path, wanted.start_s, wanted.end_s, wanted.folder, wanted.max_bytes) as cut:
            on_start(cut)
            return cut.wait().open("rb")


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk
