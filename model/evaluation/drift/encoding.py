"""The same clips through one tower several times, each time with another reducer, and how long each takes.

- One tower is in memory, whatever the number of reducers.
- Timed batches wait in memory until no video is decoded beside them. Each is encoded by all reducers in a
  row, which begin by turns: what disturbs the machine disturbs all of them alike.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from model.evaluation.timing import rotations
from model.factory import reducer_for
from model.token_reduction.base import TokenReducer
from model.token_reduction.naming import FAMILIES
from model.video_encoder import VideoEmbedding, VideoEncoder

CLIPS_PER_BATCH = 8
"""As in indexing."""

TIMED_BATCHES = 8
"""64 clips are enough for a figure, and 115 MB at 224 pixels and 12 frames."""

Frames = NDArray[np.uint8]


@dataclass(frozen=True)
class Encoded:
    """What one encoder made of all clips."""

    vectors: VideoEmbedding
    """The clips in the same order for all encoders, though not in the order they came."""
    batch_s: tuple[float, ...]
    """Seconds for each of the timed batches."""
    timed_clips: int
    """The clips in these batches."""


def choose_reducers(unreduced: VideoEncoder, names: Sequence[str]) -> list[TokenReducer]:
    """Return the reducers called ``names`` for the encoder's tower; without names, one of each family.

    Families that do not fit are then left out. Raises ValueError for a name that is unknown or does not fit,
    and when there is nothing to compare.
    """
    if names:
        reducers = [reducer_for(unreduced.tower.tower, name, unreduced.frames_per_clip) for name in names]
    else:
        reducers = [reducer for name in FAMILIES if (reducer := _parse_if_fits(unreduced, name))]
    unique = {reducer.name: reducer for reducer in reducers if reducer.name != unreduced.tower.reducer.name}
    if not unique:
        raise ValueError("none is compared with every reducer anyway: name another")
    return list(unique.values())


def with_reducer(unreduced: VideoEncoder, reducer: TokenReducer) -> VideoEncoder:
    """Return an encoder that shares the other's tower, where it is and as it is."""
    tower = unreduced.tower.tower
    weight = next(tower.parameters())
    return VideoEncoder(
        tower,
        unreduced.preprocessing,
        reducer,
        frames_per_clip=unreduced.frames_per_clip,
        device=weight.device,
        dtype=weight.dtype,
    )


def encode_with_each(encoders: Sequence[VideoEncoder], clips: Iterable[Frames]) -> list[Encoded]:
    """Return what each encoder makes of the clips (T, H, W, 3).

    Raises ValueError when there are no clips.
    """
    held: list[Frames] = []
    parts: list[list[VideoEmbedding]] = [[] for _ in encoders]
    waiting = iter(clips)
    while batch := list(islice(waiting, CLIPS_PER_BATCH)):
        frames = np.stack(batch)  # (B, T, H, W, 3)
        if len(held) < TIMED_BATCHES:
            held.append(frames)
            continue
        for encoder, made in zip(encoders, parts, strict=True):
            made.append(encoder.encode(frames))
    seconds: list[list[float]] = [[] for _ in encoders]
    for place, embedding, elapsed_s in _encode_timed(encoders, held):
        parts[place].append(embedding)
        seconds[place].append(elapsed_s)
    timed = sum(len(frames) for frames in held)
    return [Encoded(_join(made), tuple(batch_s), timed) for made, batch_s in zip(parts, seconds, strict=True)]


def _encode_timed(
    encoders: Sequence[VideoEncoder], held: Sequence[Frames]
) -> Iterator[tuple[int, VideoEmbedding, float]]:
    """Yield the place of the encoder, what it made of a batch and in how many seconds, for all pairs."""
    if not held:
        raise ValueError("there are no clips to encode")
    for encoder in encoders:
        encoder.encode(held[0])  # warms up
    for frames, order in zip(held, rotations(range(len(encoders)), len(held)), strict=True):
        for place in order:
            started = perf_counter()
            embedding = encoders[place].encode(frames)
            yield place, embedding, perf_counter() - started


def _join(parts: Sequence[VideoEmbedding]) -> VideoEmbedding:
    return VideoEmbedding(
        clips=np.concatenate([part.clips for part in parts]),
        segments=np.concatenate([part.segments for part in parts]),
    )


def _parse_if_fits(unreduced: VideoEncoder, name: str) -> TokenReducer | None:
    try:
        return reducer_for(unreduced.tower.tower, name, unreduced.frames_per_clip)
    except ValueError:
        return None
