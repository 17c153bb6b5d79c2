"""A stored file becomes a video and its job, in one commit, whichever way it came.

The same bytes are one video, one job and one file, however often and by however many ways they come at once:
the catalog's unique hash decides who is first, and whoever is second takes its own file away again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import UploadConflict
from app.uploading.fields import UploadFields
from indexer.catalog import cues, jobs, videos
from indexer.catalog.states import CueSource, Priority
from indexer.catalog.tables import Job, Video
from indexer.catalog.videos import NewVideo
from indexer.folders.intake import is_indexed
from indexer.library import Library, settle_upload
from indexer.media_store import StoredMedia
from indexer.subtitle_file import Subtitles, subtitle_warning

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AcceptedVideo:
    """A video of the library whose bytes have just come."""

    video: Video
    job: Job
    is_new: bool


@dataclass(frozen=True)
class ReceivedFile:
    """A file in the media folder, and what was said of it."""

    stored: StoredMedia
    filename: str
    fields: UploadFields
    subtitles: Subtitles | None = None


Accept = Callable[[Session], AcceptedVideo]
Around = Callable[[Session, Accept], AcceptedVideo]
"""What is done in the transaction besides: it calls the function that accepts the file, or has no need to."""


def accept_file(
    library: Library, generation_id: int, received: ReceivedFile, around: Around | None = None
) -> AcceptedVideo:
    """Record a stored file and enqueue its indexing; the same bytes again give the video there is.

    That one is enqueued too when no search in the generation finds it: it failed, or another model read it.
    Raises UploadConflict, and whatever ``around`` raises; the file is not left behind then.
    """

    def accept(session: Session) -> AcceptedVideo:
        return _add_video(session, library, generation_id, received)

    stored = received.stored
    try:
        accepted = _recorded(library, accept, around)
    except BaseException:
        _delete_unless_known(library, stored)
        raise
    if accepted.video.media_path != stored.path:
        library.media.discard(stored)  # the library had these bytes elsewhere
    settle_upload(library, stored)
    return accepted


def _recorded(library: Library, accept: Accept, around: Around | None) -> AcceptedVideo:
    def record() -> AcceptedVideo:
        with library.database.writing() as session:
            return accept(session) if around is None else around(session, accept)

    try:
        return record()
    except IntegrityError:  # another request wrote the same row in this moment, and is seen now
        return record()


def _add_video(
    session: Session, library: Library, generation_id: int, received: ReceivedFile
) -> AcceptedVideo:
    stored, fields = received.stored, received.fields
    new = NewVideo(
        sha256=stored.sha256,
        filename=received.filename,
        media_path=stored.path,
        is_managed=True,
        size_bytes=stored.size_bytes,
        title=fields.title,
        collection=fields.collection,
        recorded_at=fields.recorded_at,
        extra=fields.metadata or {},
    )
    video, is_new = videos.add_or_get(session, new)
    if not is_new:
        videos.fill_in(video, fields.said)
    if not library.media.locate(video.media_path).is_file():
        video.media_path, video.is_managed = stored.path, True  # the file that was indexed is gone: heal it
    if not library.media.locate(video.media_path).is_file():
        raise UploadConflict("the same video was deleted while this upload arrived: send it again")
    job = jobs.latest(session, [video.id]).get(video.id)
    if job is None or not is_indexed(session, video, generation_id):
        job = jobs.enqueue(session, video.id, priority=Priority.UPLOAD)
    _store_subtitles(session, video, received.subtitles)
    return AcceptedVideo(video, job, is_new)


def _store_subtitles(session: Session, video: Video, subtitles: Subtitles | None) -> None:
    """Store what is said, unless a person has said it before: PUT replaces that."""
    if subtitles is not None and not cues.has_any_of(session, video.id, CueSource.UPLOAD):
        warning = subtitle_warning([subtitles.note] if subtitles.note else [])
        cues.replace_all(session, video.id, subtitles.cues, warning)


def _delete_unless_known(library: Library, stored: StoredMedia) -> None:
    """Delete the file of an upload that failed; never raises, so that the first error is the one told."""
    try:
        with library.database.writing() as session:  # so that nobody records the same bytes meanwhile
            known = videos.find_by_sha256(session, stored.sha256)
            if known is None or known.media_path != stored.path:
                library.media.discard(stored)
            else:
                library.media.keep(stored)
    except Exception:
        log.warning("the file of a failed upload was left", extra={"path": stored.path}, exc_info=True)
