"""Decoded clips in, vectors out: in batches, in one thread, so that decoding goes on meanwhile."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from indexer.catalog.clips import NewClip
from indexer.decoding.messages import DecodedClip

if TYPE_CHECKING:
    from model.video_encoder import VideoEncoder

CLIPS_PER_BATCH = 8
"""96 frames at 12 a clip: enough to fill a GPU, yet only seconds on a CPU when a worker must stop."""

BATCHES_AHEAD = 2
"""Batches under way before ``add`` waits for the oldest, so that memory stays bounded."""


class ClipEncoder:
    """Encodes the clips it is given, in order; a context, so that a failure leaves no batch waiting."""

    def __init__(self, encoder: "VideoEncoder", clips_per_batch: int = CLIPS_PER_BATCH) -> None:
        self.encode_s = 0.0
        """Seconds spent encoding so far."""
        self._encoder, self._clips_per_batch = encoder, clips_per_batch
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clip-encoder")
        self._batch: list[tuple[DecodedClip, str]] = []
        self._under_way: deque[Future[list[NewClip]]] = deque()
        self._encoded: list[NewClip] = []

    def add(self, clip: DecodedClip, thumbnail_key: str) -> None:
        """Take the next clip; waits while too many do, and raises what encoding an earlier one raised."""
        self._batch.append((clip, thumbnail_key))
        if len(self._batch) == self._clips_per_batch:
            self._submit()
        if len(self._under_way) > BATCHES_AHEAD:
            self._encoded += self._under_way.popleft().result()

    def finish(self) -> list[NewClip]:
        """Return all clips with their vectors, in the order they were added; raises what encoding raised."""
        if self._batch:
            self._submit()
        while self._under_way:
            self._encoded += self._under_way.popleft().result()
        return self._encoded

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what has not begun; a batch under way is not waited for, so that a worker can stop at once."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _submit(self) -> None:
        self._under_way.append(self._thread.submit(self._encode, self._batch))
        self._batch = []

    def _encode(self, batch: list[tuple[DecodedClip, str]]) -> list[NewClip]:
        started = perf_counter()
        embedding = self._encoder.encode(np.stack([clip.frames for clip, _ in batch]))  # (B, T, H, W, 3)
        self.encode_s += perf_counter() - started
        vectors = zip(batch, embedding.clips, embedding.segments, strict=True)
        return [_with_vectors(clip, key, vector, segments) for (clip, key), vector, segments in vectors]


def _with_vectors(
    clip: DecodedClip, thumbnail_key: str, vector: NDArray[np.float32], segments: NDArray[np.float32]
) -> NewClip:
    return NewClip(
        start_s=clip.start_s, end_s=clip.end_s, thumbnail_key=thumbnail_key, vector=vector, segments=segments
    )
