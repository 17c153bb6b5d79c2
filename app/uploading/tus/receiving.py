"""Taking the body of a piece: no thread waits for a client, however slow it is.

The event loop gathers what comes; a thread is taken only to write what was gathered. A newer request for the
same upload makes an older one give way: a client whose network broke comes back before its old connection is
known to be dead.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect

from app.errors import UploadStalled
from app.upload_errors import UploadLocked
from app.uploading.body import UploadBody
from app.uploading.tus import state
from app.uploading.tus.finishing import Digest
from app.uploading.tus.intake import Intake
from app.uploading.tus.piece import Piece, PieceRequest, Received, repeated

WRITE_BYTES = 1 << 20
"""So much is gathered before it is written …"""

WRITE_EVERY_S = 1.0
"""… or what came in so long, so that little of a slow client's is lost when the process dies."""

MAX_CONCURRENT_WRITES = 8

MAX_DIGESTS = 256
"""Of so many uploads the running hash is kept; one more makes the oldest be read again at its end."""


class _Turn:
    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.is_over = anyio.Event()


class PieceReceiver:
    """Whoever takes the pieces of one service's uploads."""

    def __init__(self) -> None:
        """Know of no upload yet; its threads are its own, so that nobody waits for those that search."""
        self._turns: dict[str, _Turn] = {}
        self._digests: dict[str, tuple[int, Digest]] = {}
        self.threads = CapacityLimiter(MAX_CONCURRENT_WRITES)

    async def receive(
        self, intake: Intake, upload_id: str, request: PieceRequest, body: UploadBody
    ) -> Received:
        """Take a piece to its end and return how far the upload is.

        Raises as Piece does; UploadStalled, ClientDisconnect and UploadLocked when it came only in part.
        """
        async with self._turn(upload_id) as scope:
            done = await to_thread.run_sync(repeated, intake, upload_id, request, limiter=self.threads)
            if done is not None:
                return done
            known = self._digests.pop(upload_id, None)
            digest = known[1] if known is not None and known[0] == request.offset else None
            piece = await to_thread.run_sync(Piece, intake, upload_id, request, digest, limiter=self.threads)
            with anyio.CancelScope(shield=True):  # whatever ends the request, the lock must be given back
                received = await self._taken(piece, body, scope)
            self._remember(upload_id, received, piece)
            return received

    async def end(self, intake: Intake, upload_id: str) -> None:
        """Forget an upload, as ``state.end``; a piece that is arriving gives way."""
        async with self._turn(upload_id):
            await to_thread.run_sync(state.end, intake, upload_id, limiter=self.threads)

    async def _taken(self, piece: Piece, body: UploadBody, scope: anyio.CancelScope) -> Received:
        failure: Exception | None = UploadLocked("a newer request goes on with this upload")
        try:
            with scope:
                await self._take(piece, body)
                failure = None
        except (UploadStalled, ClientDisconnect) as error:
            failure = error
        except BaseException:
            await to_thread.run_sync(_give_up, piece, limiter=self.threads)
            raise
        received = await to_thread.run_sync(_end, piece, failure is None, limiter=self.threads)
        if failure is not None:
            raise failure
        return received

    def _remember(self, upload_id: str, received: Received, piece: Piece) -> None:
        """Keep the running hash for the next piece, so that a large file is not read again at its end."""
        if received.job_id is None and piece.digest is not None:
            self._digests[upload_id] = received.offset, piece.digest
            while len(self._digests) > MAX_DIGESTS:
                del self._digests[next(iter(self._digests))]

    async def _take(self, piece: Piece, body: UploadBody) -> None:
        gathered, written_at = bytearray(), time.monotonic()
        try:
            while (chunk := await body.next_chunk()) is not None:
                gathered += chunk
                if len(gathered) >= WRITE_BYTES or time.monotonic() - written_at >= WRITE_EVERY_S:
                    await self._write(piece, gathered)
                    written_at = time.monotonic()
        finally:  # a part is worth keeping, too
            with anyio.CancelScope(shield=True):
                await self._write(piece, gathered)

    async def _write(self, piece: Piece, gathered: bytearray) -> None:
        if gathered:
            data = bytes(gathered)
            gathered.clear()
            await to_thread.run_sync(piece.write, data, limiter=self.threads)

    @asynccontextmanager
    async def _turn(self, upload_id: str) -> AsyncIterator[anyio.CancelScope]:
        while (other := self._turns.get(upload_id)) is not None:
            other.scope.cancel()
            await other.is_over.wait()
        mine = self._turns[upload_id] = _Turn()
        try:
            yield mine.scope
        finally:
            del self._turns[upload_id]
            mine.is_over.set()


def _end(piece: Piece, is_whole: bool) -> Received:
    return piece.end(is_whole=is_whole)


def _give_up(piece: Piece) -> None:
    """Keep what arrived of a piece that failed; the failure itself is told by whoever saw it."""
    try:
        piece.end(is_whole=False)
    except Exception:
        return
