"""A found file becomes a queued job, unless it is indexed already or refused at the door.

A file is known by the sha256 of its bytes, wherever it lies: one that was moved or renamed only has its path
corrected. Files stay where they are; nothing is copied.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from indexer.catalog import cues, jobs, videos
from indexer.catalog.states import CueSource, VideoState
from indexer.catalog.tables import Clip, Embedding, Video
from indexer.catalog.videos import NewVideo, Said
from indexer.config import Settings
from indexer.folders.walk import FoundFile, Unreadable, hash_file, reason_of
from indexer.library import Library
from indexer.subtitle_file import subtitle_warning
from indexer.subtitle_sidecars import SidecarFinder

log = logging.getLogger(__name__)


class BatchCode(StrEnum):
    """Why a batch did not index a file that nothing is wrong with as a video."""

    UNREADABLE = "unreadable"
    UNREADABLE_NAME = "unreadable-name"
    STILL_CHANGING = "still-changing"
    DELETED = "deleted"
    OTHER_SETTINGS = "other-settings"


@dataclass(frozen=True)
class QueuedFile:
    """A file with a job to wait for: new, or failed before, or already in the queue."""

    job_id: str
    video_id: str
    path: Path
    size_bytes: int


@dataclass(frozen=True)
class IndexedFile:
    """A file that a search finds already."""

    video_id: str
    path: Path
    has_new_subtitles: bool
    """Whether the subtitles beside it had changed, and are now those that are searched."""


@dataclass(frozen=True)
class Refusal:
    """A file that is not in the index, and why; ``code`` is stable, ``reason`` is for a person."""

    path: Path
    code: str
    reason: str


def take_in(
    library: Library,
    generation_id: int,
    file: FoundFile | Unreadable,
    on_bytes: Callable[[int], None],
    sidecars: SidecarFinder | None = None,
    said: Said | None = None,
) -> QueuedFile | IndexedFile | Refusal:
    """Queue ``file`` or refuse it; of one that is indexed, only new subtitles beside it are stored.

    ``on_bytes`` hears of each chunk hashed; give the same ``sidecars`` for the files of a folder. What is
    ``said`` of the video is kept where nobody has said it before.
    """
    if isinstance(file, Unreadable):
        return Refusal(file.path, BatchCode.UNREADABLE, file.reason)
    refusal = refuse_at_the_door(library.settings, file)
    if refusal is not None:
        return refusal
    try:
        sha256 = hash_file(file.path, on_bytes)
        size_bytes = file.path.stat().st_size
    except OSError as error:
        return Refusal(file.path, BatchCode.UNREADABLE, reason_of(error))
    if size_bytes != file.size_bytes:
        return Refusal(
            file.path,
            BatchCode.STILL_CHANGING,
            "its size changed while it was read: index it again once it is complete",
        )
    with library.database.writing() as session:
        video, job_id = _enqueue(session, generation_id, sha256, file, said or Said())
    if job_id is None:
        has_new = _take_in_subtitles(library, video, file.path, sidecars or SidecarFinder())
        return IndexedFile(video.id, file.path, has_new)
    return QueuedFile(job_id, video.id, file.path, file.size_bytes)


def refuse_at_the_door(settings: Settings, file: FoundFile) -> Refusal | None:
    """Return why ``file`` need not even be read, or None."""
    if file.size_bytes == 0:
        return Refusal(file.path, "empty-file", "it has 0 bytes: copy it again")
    if file.size_bytes > settings.max_video_bytes:
        return Refusal(
            file.path,
            "file-too-large",
            f"it has {file.size_bytes} bytes, more than the {settings.max_video_bytes} allowed: "
            "set REELSEEK_MAX_VIDEO_BYTES higher",
        )
    try:
        str(file.path).encode()
    except UnicodeEncodeError:
        return Refusal(
            file.path, BatchCode.UNREADABLE_NAME, "its path is not valid UTF-8: rename the file or its folder"
        )
    return None


def is_indexed(session: Session, video: Video, generation_id: int) -> bool:
    """Return whether ``video`` can be found by a search in the generation."""
    return bool(session.scalar(select(is_searchable(generation_id)).where(Video.id == video.id)))


def is_searchable(generation_id: int) -> ColumnElement[bool]:
    """Return the condition that a video can be found by a search in the generation."""
    has_vectors = exists().where(
        Embedding.clip_id == Clip.id, Clip.video_id == Video.id, Embedding.generation_id == generation_id
    )
    return and_(Video.state == VideoState.READY, has_vectors)


def _enqueue(
    session: Session, generation_id: int, sha256: str, file: FoundFile, said: Said
) -> tuple[Video, str | None]:
    """Return the video and the id of the job to wait for; None when it is indexed."""
    video, is_new = videos.add_or_get(
        session,
        NewVideo(
            sha256=sha256,
            filename=file.path.name,
            media_path=str(file.path),
            is_managed=False,
            size_bytes=file.size_bytes,
            title=said.title,
            collection=said.collection,
            recorded_at=said.recorded_at,
            extra=said.extra,
        ),
    )
    if not is_new:
        _follow_move(video, file.path)
        videos.fill_in(video, said)
    if is_indexed(session, video, generation_id):
        return video, None
    return video, jobs.enqueue(session, video.id).id


def _take_in_subtitles(library: Library, video: Video, path: Path, sidecars: SidecarFinder) -> bool:
    """Store what the subtitles beside ``path`` say, if that is new and nobody uploaded any; return whether.

    Beside a copy that lies elsewhere than the video itself, there is nothing to look for.
    """
    if video.media_path != str(path):
        return False
    found = sidecars.read(path)
    for note in found.notes:
        log.warning("subtitles beside a video", extra={"note": note, "folder": str(path.parent)})
    with library.database.reading() as session:
        if cues.stored(session, video.id, CueSource.SIDECAR) == found.cues:
            return False
    with library.database.writing() as session:
        said = {CueSource.SIDECAR: found.cues}
        return cues.replace_found(session, video.id, said, subtitle_warning(found.notes))


def _follow_move(video: Video, path: Path) -> None:
    """Correct where ``video`` lies when ``path`` has the same bytes and its old path leads nowhere."""
    if video.is_managed or Path(video.media_path).exists():
        return
    if video.title == Path(video.filename).stem:  # nobody has given it a title of its own
        video.title = path.stem
    video.media_path, video.filename = str(path), path.name
