"""Which clips a search may find: conditions on their videos."""

import posixpath
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from indexer.catalog.metadata_conditions import MetadataCondition, where_metadata
from indexer.catalog.tables import Video


@dataclass(frozen=True)
class ClipFilters:
    """What the video of a hit must be; a field at its default demands nothing."""

    collections: tuple[str, ...] = ()
    """Any of these."""
    video_ids: tuple[str, ...] = ()
    """Any of these."""
    recorded_after: datetime | None = None
    """At this time or later; a video of unknown time never is."""
    recorded_before: datetime | None = None
    """Before this time."""
    added_after: datetime | None = None
    """At this time or later."""
    added_before: datetime | None = None
    """Before this time."""
    min_duration_s: float | None = None
    max_duration_s: float | None = None
    path_prefix: str | None = None
    """Absolute path of a folder with all below it, or of a file; uploads lie in no folder of the user's."""
    metadata: tuple[MetadataCondition, ...] = ()
    """All of these."""


def video_ids_where(session: Session, filters: ClipFilters) -> list[str] | None:
    """Return the ids of the videos that pass, in any state; None when ``filters`` demand nothing."""
    conditions = _conditions(session, filters)
    return list(session.scalars(select(Video.id).where(*conditions))) if conditions else None


def _conditions(session: Session, filters: ClipFilters) -> list[ColumnElement[bool]]:
    conditions = [where_metadata(session, condition) for condition in filters.metadata]
    if filters.collections:
        conditions.append(Video.collection.in_(filters.collections))
    if filters.video_ids:
        conditions.append(Video.id.in_(filters.video_ids))
    if filters.path_prefix is not None:
        conditions.append(_lies_in(filters.path_prefix))
    return conditions + _ranges(filters)


def _ranges(filters: ClipFilters) -> list[ColumnElement[bool]]:
    ranges: list[ColumnElement[bool]] = []
    if filters.recorded_after is not None:
        ranges.append(Video.recorded_at >= filters.recorded_after)
    if filters.recorded_before is not None:
        ranges.append(Video.recorded_at < filters.recorded_before)
    if filters.added_after is not None:
        ranges.append(Video.added_at >= filters.added_after)
    if filters.added_before is not None:
        ranges.append(Video.added_at < filters.added_before)
    if filters.min_duration_s is not None:
        ranges.append(Video.duration_s >= filters.min_duration_s)
    if filters.max_duration_s is not None:
        ranges.append(Video.duration_s <= filters.max_duration_s)
    return ranges


def _lies_in(path: str) -> ColumnElement[bool]:
    """Return the condition that a file indexed in place is ``path`` or lies below it.

    Compared by character, not with LIKE: that takes _ and % for wildcards, and on SQLite A for a.
    """
    folder = f"/{posixpath.normpath(path).strip('/')}/".replace("//", "/")
    starts_so = func.substr(Video.media_path, 1, len(folder)) == folder
    return and_(Video.is_managed.is_(False), or_(starts_so, Video.media_path == folder[:-1]))
