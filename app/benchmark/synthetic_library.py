"""A library of any size for measuring: clips as they cluster in real ones, written straight into the catalog.

::

    clip = unit(pictures + video's topic + scene + clip's own)

All clips share a direction that words do not have (the gap between the two sides of CLIP, arXiv 2203.02053),
each video has the topic of a search phrase, a few clips in a row have a scene in common. So words lie beside
clips as they do in a trained model, whatever the weights of the text tower: what is measured is time, and how
well the index finds what is there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert
from sqlalchemy.orm import Session

from indexer.catalog import generations, vector_codec
from indexer.catalog.states import EmbeddingKind, VideoState
from indexer.catalog.tables import Clip, Embedding, Video
from indexer.library import Library

CLIPS_PER_VIDEO = 20
CLIP_S = 8.0
CLIPS_PER_SCENE = 4

PICTURES, TOPIC, SCENE, OWN = 1.0, 0.7, 0.7, 0.45
"""Lengths of a clip's parts: cosines are near 0.9 in a scene, 0.7 in a video, 0.5 between videos."""

SEGMENT = 0.2
"""How far a segment's vector stands off its clip's."""

VIDEOS_AT_ONCE = 500
"""In one transaction."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class LibrarySize:
    """How much to make."""

    clips: int
    segments: int = 4
    """Rows of a clip beside its own vector's."""
    seed: int = 0


def fill_library(
    library: Library, generation_id: int, topics: NDArray[np.float32], size: LibrarySize
) -> None:
    """Write videos of ``size`` with the directions ``topics`` (K, D) into an empty library."""
    generator = np.random.default_rng(size.seed)
    pictures = _unit(generator.standard_normal((1, topics.shape[1]), np.float32))
    videos = -(-size.clips // CLIPS_PER_VIDEO)
    for first in range(0, videos, VIDEOS_AT_ONCE):
        numbers = range(first, min(first + VIDEOS_AT_ONCE, videos))
        clips = range(first * CLIPS_PER_VIDEO, min(numbers.stop * CLIPS_PER_VIDEO, size.clips))
        vectors = _clip_vectors(generator, pictures, topics, len(clips))
        with library.database.writing() as session:
            _write(session, generation_id, numbers, clips, _with_segments(generator, vectors, size.segments))


def topics_of(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the directions (K, D) in which the vectors (K, D) of phrases differ from one another."""
    return _unit(vectors - vectors.mean(axis=0))


def _clip_vectors(
    generator: np.random.Generator, pictures: NDArray[np.float32], topics: NDArray[np.float32], count: int
) -> NDArray[np.float32]:
    dimension = topics.shape[1]
    places = np.arange(count)
    drawn = generator.integers(len(topics), size=count // CLIPS_PER_VIDEO + 1)
    scenes = _unit(generator.standard_normal((count // CLIPS_PER_SCENE + 1, dimension), np.float32))
    own = _unit(generator.standard_normal((count, dimension), np.float32))
    vectors = PICTURES * pictures + TOPIC * topics[drawn[places // CLIPS_PER_VIDEO]]
    return _unit(vectors + SCENE * scenes[places // CLIPS_PER_SCENE] + OWN * own)


def _with_segments(
    generator: np.random.Generator, vectors: NDArray[np.float32], segments: int
) -> NDArray[np.float32]:
    """Return (N, 1 + segments, D): each clip's own vector, then those of its parts."""
    apart = _unit(generator.standard_normal((len(vectors), segments, vectors.shape[1]), np.float32))
    return np.concatenate([vectors[:, None], _unit(vectors[:, None] + SEGMENT * apart)], axis=1)


def _write(
    session: Session, generation_id: int, videos: range, clips: range, vectors: NDArray[np.float32]
) -> None:
    revision = generations.next_revision(session, generation_id)
    session.execute(insert(Video), [_video(number) for number in videos])
    session.execute(insert(Clip), [_clip(number) for number in clips])
    stamp = {"generation_id": generation_id, "revision": revision}
    rows = [stamp | row for row in _embeddings(clips, vectors)]
    session.execute(insert(Embedding), rows)


def _video(number: int) -> dict[str, Any]:
    name = f"film-{number:07d}.mp4"
    return {
        "id": _id(number),
        "sha256": f"{number:064x}",
        "filename": name,
        "title": f"Film {number}",
        "media_path": f"/nowhere/{name}",
        "is_managed": False,
        "size_bytes": 10_000_000,
        "state": VideoState.READY,
        "duration_s": CLIPS_PER_VIDEO * CLIP_S,
        "extra": {"number": number},
    }


def _clip(number: int) -> dict[str, Any]:
    video, ordinal = divmod(number, CLIPS_PER_VIDEO)
    start_s = ordinal * CLIP_S
    return {
        "id": _id(number),
        "video_id": _id(video),
        "ordinal": ordinal,
        "start_s": start_s,
        "end_s": start_s + CLIP_S,
        "thumbnail_key": f"{video:064x}/{ordinal}.jpg",
    }


def _embeddings(clips: Sequence[int], vectors: NDArray[np.float32]) -> Iterator[dict[str, Any]]:
    count = vectors.shape[1]
    packed = iter(vector_codec.pack(vectors.reshape(-1, vectors.shape[2])))
    step_s = CLIP_S / max(1, count - 1)
    for number in clips:
        start_s = number % CLIPS_PER_VIDEO * CLIP_S
        for place in range(count):
            is_clip = place == 0
            begin_s = start_s if is_clip else start_s + (place - 1) * step_s
            yield {
                "clip_id": _id(number),
                "kind": EmbeddingKind.CLIP if is_clip else EmbeddingKind.SEGMENT,
                "ordinal": max(0, place - 1),
                "start_s": begin_s,
                "end_s": begin_s + (CLIP_S if is_clip else step_s),
                "vector": next(packed),
            }


def _id(number: int) -> str:
    return f"{number:032x}"


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit
