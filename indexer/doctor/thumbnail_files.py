"""The clips' thumbnails: missing or damaged, or nobody's."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.catalog.job_states import OPEN_STATES
from indexer.catalog.tables import Clip, Job, Video
from indexer.doctor.finding import Finding, FindingCode
from indexer.doctor.media_files import UPLOAD_AGAIN
from indexer.doctor.queueing import INDEX_ANEW, can_be_read, index_anew
from indexer.library import Library

JPEG_BEGIN, JPEG_END = b"\xff\xd8", b"\xff\xd9"


def examine_thumbnails(library: Library, *, is_deep: bool) -> Iterator[Finding]:
    """Yield videos with clips that lack a thumbnail (if deep, a whole one), and thumbnails of no clip."""
    on_disk = _list(library)
    with library.database.reading() as session:
        columns = (Clip.thumbnail_key, Video.id, Video.filename, Video.media_path)
        clips = session.execute(select(*columns).join(Video, Clip.video_id == Video.id)).all()
    lacking: Counter[tuple[str, str, str]] = Counter()
    for key, *video in clips:
        needs_look = is_deep or not on_disk.get(key)  # it may have come since they were listed
        if needs_look and not _is_good(library, key, is_deep=is_deep):
            lacking[(video[0], video[1], video[2])] += 1
    for (video_id, filename, media_path), count in lacking.items():
        can_be_made = can_be_read(library, media_path)
        yield Finding(
            FindingCode.THUMBNAILS_MISSING,
            video_id,
            f"{count} clips of {filename!r} have no thumbnail that can be shown",
            INDEX_ANEW if can_be_made else f"its file is missing: {UPLOAD_AGAIN}",
            index_anew(library, video_id) if can_be_made else None,
        )
    for path in orphaned_thumbnails(library):
        message, advice = "this thumbnail belongs to no clip", "delete it, which --repair does"
        yield Finding(
            FindingCode.THUMBNAIL_ORPHANED, str(path), message, advice, partial(_delete, library, path)
        )


def orphaned_thumbnails(library: Library) -> list[Path]:
    """Return the thumbnails of no clip; those of a video that is being indexed have none yet."""
    on_disk = _list(library)
    with library.database.reading() as session:
        known = set(session.scalars(select(Clip.thumbnail_key)))
        busy = _being_indexed(session)
    return [
        library.thumbnails.path(key)
        for key in sorted(on_disk)
        if key not in known and key.split("/")[1] not in busy
    ]


def _list(library: Library) -> dict[str, int]:
    """Return the size of each thumbnail there is, by its key."""
    root = library.thumbnails.root
    sizes = {}
    for path in root.glob("[0-9a-f][0-9a-f]/*/*.jpg"):
        try:
            library.thumbnails.path(key := path.relative_to(root).as_posix())
            sizes[key] = path.stat().st_size
        except (FileNotFoundError, ValueError):  # just deleted; not named as ours are
            continue
    return sizes


def _is_good(library: Library, key: str, *, is_deep: bool) -> bool:
    """Return whether a thumbnail is there and not empty; if deep, whether it begins and ends as a JPEG."""
    try:
        path = library.thumbnails.path(key)
        if not is_deep:
            return path.stat().st_size > 0
        content = path.read_bytes()
    except (OSError, ValueError):
        return False
    return content.startswith(JPEG_BEGIN) and content.rstrip(b"\0").endswith(JPEG_END)


def _being_indexed(session: Session) -> set[str]:
    """Return the sha256 of the videos that a worker may write thumbnails of at any time."""
    has_job = select(Job.video_id).where(Job.state.in_(OPEN_STATES))
    return set(session.scalars(select(Video.sha256).where(Video.id.in_(has_job))))


def _delete(library: Library, path: Path) -> str | None:
    key = path.relative_to(library.thumbnails.root).as_posix()
    with library.database.writing() as session:
        if path.parent.name in _being_indexed(session):
            return None
        # Looked at second: a job that has just ended has stored its clips.
        if session.scalar(select(Clip.id).where(Clip.thumbnail_key == key).limit(1)) is not None:
            return None
        path.unlink(missing_ok=True)
    return "deleted it"
