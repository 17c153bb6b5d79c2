"""Collections: names that videos have in common. They have no rows: one exists while a video has it."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer.catalog.states import VideoState
from indexer.catalog.tables import Video


@dataclass(frozen=True)
class Collection:
    """A name that videos have in common."""

    name: str
    video_count: int
    ready_count: int
    """Of the videos that are indexed."""


def list_page(session: Session, *, limit: int, after: str | None = None) -> list[Collection]:
    """Return at most ``limit`` collections, by name, that follow the one called ``after``."""
    is_ready = Video.state == VideoState.READY
    statement = (
        select(Video.collection, func.count(), func.count().filter(is_ready))
        .where(Video.collection > (after or ""))  # which is true of no video that has none
        .group_by(Video.collection)
        .order_by(Video.collection)
        .limit(limit)
    )
    rows = session.execute(statement)
    return [Collection(name, video_count, ready_count) for name, video_count, ready_count in rows if name]
