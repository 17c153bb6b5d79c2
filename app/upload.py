"""``POST /videos``: a form streamed to disk while it is hashed, then a video and its job in one commit.

The one place where ``async`` cannot be avoided: only the event loop can read a body that is still arriving.
So the store's ordinary, blocking code runs in a thread that asks the loop for one chunk after the other; the
route gives it a thread that is kept for uploads, so that slow ones never take those that answer searches.
"""

import errno
import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

import anyio
from anyio import from_thread
from fastapi import Request
from sqlalchemy.orm import Session

from app.config import ServiceSettings
from app.display_name import display_name
from app.errors import StorageFull, UploadConflict, UploadStalled
from app.multipart import MultipartReader
from app.upload_form import UploadFields, UploadForm
from indexer.catalog import cues, jobs, videos
from indexer.catalog.states import CueSource, Priority
from indexer.catalog.tables import Job, Video
from indexer.catalog.videos import NewVideo
from indexer.errors import UploadTooLarge
from indexer.folder_intake import is_indexed
from indexer.library import Library
from indexer.media_store import StoredMedia
from indexer.subtitle_file import Subtitles, subtitle_warning

FORM_OVERHEAD_BYTES = 1024 * 1024
"""What boundary, part headers and fields may add to the file in Content-Length."""

FREE_SPACE_CHECK_BYTES = 64 * 1024 * 1024
"""How much is written between two looks at the free space."""

STALLED_AFTER_S = 60.0
"""A client that sends nothing for this long is gone, or holds a thread on purpose."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AcceptedVideo:
    """A video of the library whose bytes were just uploaded."""

    video: Video
    job: Job
    is_new: bool


class UploadBody:
    """The body of a request, for a thread that takes it while it arrives."""

    def __init__(self, request: Request) -> None:
        self.content_type = request.headers.get("content-type", "")
        declared = request.headers.get("content-length", "")
        self.content_length = int(declared) if declared.isdecimal() else 0  # 0: sent in chunks, counted later
        self._stream = request.stream()

    def chunks(self) -> Iterator[bytes]:
        """Yield the body; raises UploadStalled, and ClientDisconnect when the client is gone."""
        while (chunk := from_thread.run(self._next_chunk)) is not None:
            yield chunk

    async def _next_chunk(self) -> bytes | None:
        try:
            with anyio.fail_after(STALLED_AFTER_S):
                return await anext(self._stream, None)
        except TimeoutError as error:
            raise UploadStalled(f"no byte came for {STALLED_AFTER_S:.0f} s: send the file again") from error


def accept_video(
    library: Library, settings: ServiceSettings, generation_id: int, body: UploadBody
) -> AcceptedVideo:
    """Store the uploaded file and enqueue its indexing; the same bytes again give the video there is.

    That one is enqueued too when no search in the generation finds it: it failed, or another model read it.

    Raises UploadTooLarge and StorageFull as early as they can be known, EmptyUpload, NotMultipart,
    MalformedUpload, NotSubtitles and RequestValidationError for what is wrong with the form; nothing is left
    behind then.
    """
    _require_allowed_length(body.content_length, settings.upload_limit_bytes)
    _require_room(library.media.root, body.content_length, settings.min_free_bytes)
    form = UploadForm(MultipartReader(body.content_type, body.chunks()))
    file = form.file()
    filename = display_name(file.filename or "")
    chunks = _while_there_is_room(file.data, library.media.root, settings.min_free_bytes)
    try:
        stored = library.media.save(chunks, filename, settings.upload_limit_bytes)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull("the disk became full while the file arrived: free some space") from error
        raise
    return _record(library, generation_id, stored, filename, form)


def _record(
    library: Library, generation_id: int, stored: StoredMedia, filename: str, form: UploadForm
) -> AcceptedVideo:
    try:
        with library.database.writing() as session:
            accepted = _add_video(session, library, generation_id, stored, filename, form)
    except BaseException:
        _delete_unless_known(library, stored)
        raise
    if accepted.video.media_path != stored.path:
        library.media.delete(stored.path)  # the library had these bytes elsewhere
    library.media.keep(stored.path)
    return accepted


def _add_video(
    session: Session,
    library: Library,
    generation_id: int,
    stored: StoredMedia,
    filename: str,
    form: UploadForm,
) -> AcceptedVideo:
    fields = form.fields
    new = NewVideo(
        sha256=stored.sha256,
        filename=filename,
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
        _fill_in(video, fields)
    if not library.media.locate(video.media_path).is_file():
        video.media_path, video.is_managed = stored.path, True  # the file that was indexed is gone: heal it
    if not library.media.locate(stored.path).is_file():
        raise UploadConflict("the same video was deleted while this upload arrived: send it again")
    job = jobs.latest(session, [video.id]).get(video.id)
    if job is None or not is_indexed(session, video, generation_id):
        job = jobs.enqueue(session, video.id, priority=Priority.UPLOAD)
    _store_subtitles(session, video, form.subtitles)
    return AcceptedVideo(video, job, is_new)


def _fill_in(video: Video, fields: UploadFields) -> None:
    """Give a known video what nobody has said of it yet; what was said before stays."""
    if fields.title and video.title in {video.filename, PurePath(video.filename).stem}:
        video.title = fields.title
    video.collection = video.collection or fields.collection
    video.recorded_at = video.recorded_at or fields.recorded_at
    video.extra = video.extra or fields.metadata or {}


def _store_subtitles(session: Session, video: Video, subtitles: Subtitles | None) -> None:
    """Store what is said, unless a person has said it before: PUT replaces that."""
    if subtitles is not None and not cues.has_any_of(session, video.id, CueSource.UPLOAD):
        warning = subtitle_warning([subtitles.note] if subtitles.note else [])
        cues.replace_all(session, video.id, subtitles.cues, warning)


def _delete_unless_known(library: Library, stored: StoredMedia) -> None:
    """Delete the file of an upload that failed; never raises, so that the first error is the one told."""
    try:
        with library.database.reading() as session:
            known = videos.find_by_sha256(session, stored.sha256)
        if known is None or known.media_path != stored.path:
            library.media.delete(stored.path)
        else:
            library.media.keep(stored.path)
    except Exception:
        log.warning("the file of a failed upload was left", extra={"path": stored.path}, exc_info=True)


def _require_allowed_length(content_length: int, limit_bytes: int) -> None:
    if content_length > limit_bytes + FORM_OVERHEAD_BYTES:
        raise UploadTooLarge(
            f"the upload has {content_length} bytes and {limit_bytes} are allowed: send a smaller file, "
            "or raise REELSEEK_MAX_UPLOAD_BYTES and REELSEEK_MAX_VIDEO_BYTES"
        )


def _require_room(folder: Path, needed_bytes: int, min_free_bytes: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes - needed_bytes < min_free_bytes:
        raise StorageFull(
            f"{free_bytes} bytes are free, the upload needs {needed_bytes} and {min_free_bytes} must stay: "
            "free some space, or lower REELSEEK_MIN_FREE_BYTES"
        )


def _while_there_is_room(chunks: Iterator[bytes], folder: Path, min_free_bytes: int) -> Iterator[bytes]:
    unchecked_bytes = 0
    for chunk in chunks:
        unchecked_bytes += len(chunk)
        if unchecked_bytes >= FREE_SPACE_CHECK_BYTES:
            _require_room(folder, 0, min_free_bytes)
            unchecked_bytes = 0
        yield chunk
