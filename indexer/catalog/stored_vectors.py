"""Vectors of clips that a search is made of: "like this one". Functions never commit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from indexer.catalog import vector_codec
from indexer.catalog.chunking import in_chunks
from indexer.catalog.states import EmbeddingKind
from indexer.catalog.tables import Clip, Embedding, Generation


@dataclass(frozen=True)
class SpanVectors:
    """What lies in a part of a video."""

    clip_ids: tuple[str, ...]
    """Of the clips that lie in it, wholly or not, in time order."""
    vector: NDArray[np.float32]
    """(D,), unit: their mean, weighted by the seconds that each has in the part."""


def of_clips(
    session: Session, generation_id: int, clip_ids: Sequence[str]
) -> dict[str, NDArray[np.float32] | None]:
    """Return the unit vector (D,) of each clip that exists, None for one that the generation has not read."""
    packed: dict[str, bytes | None] = {}
    for chunk in in_chunks(clip_ids):
        rows = session.execute(
            select(Clip.id, Embedding.vector)
            .outerjoin(Embedding, and_(Embedding.clip_id == Clip.id, *_of(generation_id, EmbeddingKind.CLIP)))
            .where(Clip.id.in_(chunk))
        )
        packed.update((clip_id, vector) for clip_id, vector in rows)
    dimension = _dimension(session, generation_id)
    return {
        clip_id: None if row is None else vector_codec.unpack([row], dimension)[0]
        for clip_id, row in packed.items()
    }


def of_span(
    session: Session, generation_id: int, video_id: str, start_s: float, end_s: float
) -> SpanVectors | None:
    """Return what the generation has of a part of a video; None when that is nothing.

    A clip that the part cuts counts with its segments that lie in it, if it has any.
    """
    clips = session.execute(
        select(Clip.id, Clip.start_s, Clip.end_s, Embedding.vector)
        .join(Embedding, and_(Embedding.clip_id == Clip.id, *_of(generation_id, EmbeddingKind.CLIP)))
        .where(Clip.video_id == video_id, Clip.end_s > start_s, Clip.start_s < end_s)
        .order_by(Clip.ordinal)
    ).all()
    if not clips:
        return None
    cut = [row.id for row in clips if row.start_s < start_s or row.end_s > end_s]
    segments = session.execute(
        select(Embedding.clip_id, Embedding.start_s, Embedding.end_s, Embedding.vector).where(
            Embedding.clip_id.in_(cut),
            *_of(generation_id, EmbeddingKind.SEGMENT),
            Embedding.end_s > start_s,
            Embedding.start_s < end_s,
        )
    ).all()
    in_segments = {row.clip_id for row in segments}
    rows = [row for row in clips if row.id not in in_segments] + list(segments)
    vectors = vector_codec.unpack([row.vector for row in rows], _dimension(session, generation_id))  # (N, D)
    overlaps_s = [min(row.end_s, end_s) - max(row.start_s, start_s) for row in rows]
    mean = np.average(vectors, axis=0, weights=overlaps_s)
    unit = (mean / np.linalg.norm(mean)).astype(np.float32)
    return SpanVectors(tuple(row.id for row in clips), unit)


def _of(generation_id: int, kind: EmbeddingKind) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Embedding.generation_id == generation_id, Embedding.kind == kind


def _dimension(session: Session, generation_id: int) -> int:
    return session.get_one(Generation, generation_id).dimension
