"""Beginning, reading and ending resumable uploads."""

from dataclasses import dataclass

from app.upload_errors import UnknownUpload, UploadExpired, UploadLocked
from app.uploading.disk_space import full_disk_told, require_room
from app.uploading.tus.finishing import finish_if_whole
from app.uploading.tus.headers import read_metadata
from app.uploading.tus.intake import Intake
from indexer.catalog import uploads
from indexer.catalog.client_tables import Upload
from indexer.catalog.columns import new_id, now
from indexer.errors import EmptyUpload, UploadTooLarge
from indexer.upload_store import UploadInUse


@dataclass(frozen=True)
class UploadProgress:
    """An upload and how much of it has arrived."""

    upload: Upload
    offset: int


def begin(intake: Intake, length_bytes: int | None, metadata: str | None) -> Upload:
    """Return a new upload that waits for its bytes.

    Raises UploadTooLarge, EmptyUpload, StorageFull when it would not fit beside what others may still send,
    and, for the metadata, InvalidUploadRequest and RequestValidationError.
    """
    described = read_metadata(metadata)
    limit_bytes = intake.settings.upload_limit_bytes
    if length_bytes == 0:
        raise EmptyUpload(f"{described.filename!r} is empty: send a file with at least one byte")
    if length_bytes is not None and length_bytes > limit_bytes:
        raise UploadTooLarge(
            f"{described.filename!r} has {length_bytes} bytes and {limit_bytes} are allowed: send a smaller "
            "file, or raise REELSEEK_MAX_UPLOAD_BYTES and REELSEEK_MAX_VIDEO_BYTES"
        )
    library = intake.library
    require_room(library, length_bytes or 0, intake.settings.min_free_bytes)
    upload = Upload(
        id=new_id(),
        length_bytes=length_bytes,
        filename=described.filename,
        fields={"upload_metadata": metadata or ""},
        expires_at=intake.expires_at(),
    )
    with full_disk_told():
        library.uploads.create(upload.id)
    try:
        with library.database.writing() as session:
            session.add(upload)
    except BaseException:
        library.uploads.delete(upload.id)
        raise
    return upload


def require_upload(intake: Intake, upload_id: str) -> Upload:
    """Return an upload; raises UnknownUpload and UploadExpired."""
    with intake.library.database.reading() as session:
        upload = uploads.get(session, upload_id)
    if upload is None:
        raise UnknownUpload(upload_id)
    if upload.expires_at <= now():
        raise UploadExpired(
            f"upload {upload_id} was left alone for {intake.settings.upload_expiry_h:g} hours: begin it anew "
            "with POST /uploads, or raise REELSEEK_UPLOAD_EXPIRY_H"
        )
    return upload


def read(intake: Intake, upload_id: str) -> UploadProgress:
    """Return an upload and how much has arrived; one that has and was not accepted is finished now.

    Raises UnknownUpload, UploadExpired, and as ``finishing.finish``.
    """
    upload = require_upload(intake, upload_id)
    if upload.job_id is None and finish_if_whole(intake, upload):
        upload = require_upload(intake, upload_id)
    if upload.job_id is not None:
        return UploadProgress(upload, upload.length_bytes or 0)
    try:
        size_bytes = intake.library.uploads.size_bytes(upload_id)
    except FileNotFoundError as error:
        raise UnknownUpload(upload_id) from error
    return UploadProgress(upload, size_bytes if upload.checked_bytes is None else upload.checked_bytes)


def end(intake: Intake, upload_id: str) -> None:
    """Forget an upload and what arrived of it; a video that came of it stays.

    Raises UnknownUpload, UploadExpired and UploadLocked.
    """
    require_upload(intake, upload_id)
    try:
        file = intake.library.uploads.open(upload_id)
    except UploadInUse as error:
        raise UploadLocked(f"another request is at upload {upload_id}: try again in a moment") from error
    except FileNotFoundError:
        file = None
    try:
        with intake.library.database.writing() as session:
            uploads.delete(session, upload_id)
        intake.library.uploads.delete(upload_id)
    finally:
        if file is not None:
            file.close()
