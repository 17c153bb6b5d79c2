"""Videos: adding, finding, listing and deleting them. Functions take a session and never commit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath

from sqlalchemy import bindparam, func, select, tuple_
from sqlalchemy import delete as delete_rows
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from indexer.catalog import clips
from indexer.catalog.chunking import in_chunks
from indexer.catalog.states import VideoState
from indexer.catalog.tables import Job, Video

# Said once: a search runs these, and making a statement takes half as long as running it.
LABELS = select(
    Video.id, Video.title, Video.filename, Video.duration_s, Video.recorded_at, Video.extra
).where(Video.id.in_(bindparam("ids", expanding=True)))
STATES = select(Video.state, func.count()).group_by(Video.state)


@dataclass(frozen=True)
class NewVideo:
    """A file to add to the catalog."""

    sha256: str
    filename: str
    media_path: str
    is_managed: bool
    size_bytes: int
    title: str | None = None
    """The file name without its suffix when not given."""
    collection: str | None = None
    recorded_at: datetime | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    """The user's own metadata."""


@dataclass(frozen=True)
class Said:
    """What a person says of a video when its file comes."""

    title: str | None = None
    collection: str | None = None
    recorded_at: datetime | None = None
    extra: Mapping[str, object] = field(default_factory=dict)


def fill_in(video: Video, said: Said) -> None:
    """Give a known video what nobody has said of it yet; what was said before stays."""
    if said.title and video.title in {video.filename, PurePath(video.filename).stem}:
        video.title = said.title
    video.collection = video.collection or said.collection
    video.recorded_at = video.recorded_at or said.recorded_at
    video.extra = video.extra or dict(said.extra)


def add_or_get(session: Session, new: NewVideo) -> tuple[Video, bool]:
    """Return the video of these bytes and whether it was added just now; one that is known stays as it is."""
    known = _locked(session, new.sha256)
    if known is not None:
        return known, False
    video = Video(
        sha256=new.sha256,
        filename=new.filename,
        title=new.title or PurePath(new.filename).stem or new.filename,
        media_path=new.media_path,
        is_managed=new.is_managed,
        size_bytes=new.size_bytes,
        collection=new.collection,
        recorded_at=new.recorded_at,
        extra=dict(new.extra),
    )
    try:
        with session.begin_nested():
            session.add(video)
    except IntegrityError:  # another process added the same bytes in this moment
        known = _locked(session, new.sha256)
        if known is None:
            raise
        return known, False
    return video, True


def get(session: Session, video_id: str) -> Video | None:
    """Return a video, or None."""
    return session.get(Video, video_id)


def find_by_sha256(session: Session, sha256: str) -> Video | None:
    """Return the video of these bytes, or None."""
    return session.scalar(select(Video).where(Video.sha256 == sha256))


def has_media(session: Session, media_path: str) -> bool:
    """Return whether an upload stored under ``media_path`` is of a video, once no deletion is under way."""
    found = select(Video.id).where(Video.media_path == media_path).limit(1).with_for_update()
    return session.scalar(found) is not None


def list_page(session: Session, *, limit: int, after: tuple[datetime, str] | None = None) -> list[Video]:
    """Return at most ``limit`` videos, newest first, that follow the one added at ``after`` (time, id)."""
    statement = select(Video).order_by(Video.added_at.desc(), Video.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(Video.added_at, Video.id) < tuple_(*after))
    return list(session.scalars(statement))


def lock(session: Session, video_id: str) -> Video | None:
    """Return a video that nobody else changes until the commit, nor its jobs; None when there is none.

    Rows are locked in the order job, video, generation, as everywhere, so that a worker that is just ending
    the video's job neither deadlocks with a deletion nor leaves vectors without tombstones.
    """
    its_jobs = select(Job.id).where(Job.video_id == video_id).order_by(Job.id)
    while True:
        savepoint = session.begin_nested()
        locked = session.scalars(its_jobs.with_for_update()).all()
        video = session.get(Video, video_id, with_for_update=True)
        if session.scalars(its_jobs).all() == locked:
            savepoint.commit()
            return video
        savepoint.rollback()  # a job came while we waited for the video: its lock goes before the video's


def delete(session: Session, video_id: str) -> bool:
    """Delete a video with its clips, vectors and jobs; False without one. Its files are the caller's."""
    if lock(session, video_id) is None:
        return False
    clips.delete_of(session, video_id)
    session.execute(delete_rows(Video).where(Video.id == video_id))
    return True


@dataclass(frozen=True)
class VideoLabel:
    """What a hit says of its video."""

    title: str
    filename: str
    duration_s: float | None
    recorded_at: datetime | None
    extra: dict[str, object]


def labels_of(session: Session, video_ids: Sequence[str]) -> dict[str, VideoLabel]:
    """Return the label of each video that still exists."""
    labels: dict[str, VideoLabel] = {}
    for chunk in in_chunks(video_ids):
        rows = session.connection().execute(LABELS, {"ids": chunk})
        labels.update((row[0], VideoLabel(*row[1:])) for row in rows)
    return labels


def dates_of(session: Session, video_ids: Sequence[str], *, is_recorded: bool) -> dict[str, datetime | None]:
    """Return when each video that still exists was recorded, as far as known; else when it was added."""
    date = Video.recorded_at if is_recorded else Video.added_at
    dates: dict[str, datetime | None] = {}
    for chunk in in_chunks(video_ids):
        rows = session.execute(select(Video.id, date).where(Video.id.in_(chunk)))
        dates.update((video_id, when) for video_id, when in rows)
    return dates


def counts_by_state(session: Session) -> Counter[VideoState]:
    """Return how many videos there are of each state."""
    counts: Counter[VideoState] = Counter()
    counts.update(dict(session.execute(STATES).all()))
    return counts


def _locked(session: Session, sha256: str) -> Video | None:
    """Return the video of these bytes, which no deletion takes away before the commit, or None."""
    return session.scalar(select(Video).where(Video.sha256 == sha256).with_for_update())
