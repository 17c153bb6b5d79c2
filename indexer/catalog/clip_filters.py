"""Which clips a search may find: conditions on their videos, turned into vector ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Text, cast, select
from sqlalchemy.orm import Session

from indexer.catalog import generations
from indexer.catalog.tables import Clip, Embedding, Video


@dataclass(frozen=True)
class ClipFilters:
    """What the video of a hit must be; a field at its default demands nothing."""

    collection: str | None = None
    video_ids: tuple[str, ...] = ()
    """Any of these."""
    recorded_after: datetime | None = None
    """At this time or later."""
    recorded_before: datetime | None = None
    """Before this time."""
    min_duration_s: float | None = None
    max_duration_s: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Text or number under each key, as text."""


def embedding_ids_where(
    session: Session, generation_id: int, filters: ClipFilters
) -> NDArray[np.int64] | None:
    """Return the sorted ids (N,) of the clip vectors that pass; None when ``filters`` demand nothing."""
    conditions = _conditions(filters)
    if not conditions:
        return None
    ids = session.scalars(
        select(Embedding.id)
        .join(Clip, Embedding.clip_id == Clip.id)
        .join(Video, Clip.video_id == Video.id)
        .where(generations.is_clip_vector(generation_id), *conditions)
        .order_by(Embedding.id)
    )
    return np.fromiter(ids, dtype=np.int64)


def _conditions(filters: ClipFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.collection is not None:
        conditions.append(Video.collection == filters.collection)
    if filters.video_ids:
        conditions.append(Video.id.in_(filters.video_ids))
    if filters.recorded_after is not None:
        conditions.append(Video.recorded_at >= filters.recorded_after)
    if filters.recorded_before is not None:
        conditions.append(Video.recorded_at < filters.recorded_before)
    if filters.min_duration_s is not None:
        conditions.append(Video.duration_s >= filters.min_duration_s)
    if filters.max_duration_s is not None:
        conditions.append(Video.duration_s <= filters.max_duration_s)
    for key, value in filters.metadata.items():
        conditions.append(cast(Video.extra[key].as_string(), Text) == value)
    return conditions
