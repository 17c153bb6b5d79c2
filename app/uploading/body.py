"""The body of a request, taken while it arrives.

Only the event loop can read a body that is still arriving. Blocking code that takes one runs in a thread,
which asks the loop for one chunk after the other.
"""

from collections.abc import Iterator

import anyio
from anyio import from_thread
from fastapi import Request

from app.errors import UploadStalled

STALLED_AFTER_S = 60.0
"""A client that sends nothing for this long is gone, or holds a place on purpose."""


class UploadBody:
    """The body of a request, whose chunks come one at a time."""

    def __init__(self, request: Request) -> None:
        self.content_type = request.headers.get("content-type", "")
        declared = request.headers.get("content-length", "")
        self.content_length = int(declared) if declared.isdecimal() else 0  # 0: sent in chunks, counted later
        self._stream = request.stream()

    def chunks(self) -> Iterator[bytes]:
        """Yield the body in a thread; raises UploadStalled, and ClientDisconnect when the client is gone."""
        while (chunk := from_thread.run(self.next_chunk)) is not None:
            yield chunk

    async def next_chunk(self) -> bytes | None:
        """Return what came next, None at the end; raises as ``chunks``."""
        try:
            with anyio.fail_after(STALLED_AFTER_S):
                return await anext(self._stream, None)
        except TimeoutError as error:
            raise UploadStalled(f"no byte came for {STALLED_AFTER_S:.0f} s: send the file again") from error
