"""Unfinished uploads: past their time, or a file without a row."""

from collections.abc import Iterator
from functools import partial

from sqlalchemy import delete, select

from indexer.catalog.client_tables import Upload
from indexer.catalog.columns import now
from indexer.doctor.finding import Finding, FindingCode
from indexer.library import Library
from indexer.upload_store import UploadInUse

ADVICE = "delete it, which --repair does"


def examine_uploads(library: Library) -> Iterator[Finding]:
    """Yield uploads that expired before they were complete, and files of no upload."""
    with library.database.reading() as session:
        expired = session.execute(
            select(Upload.id, Upload.filename, Upload.expires_at)
            .where(Upload.expires_at < now(), Upload.video_id.is_(None))
            .order_by(Upload.expires_at)
        ).all()
    for upload_id, filename, expires_at in expired:
        message = (
            f"the upload of {filename!r} was not complete when it expired, on {expires_at:%Y-%m-%d %H:%M}Z"
        )
        mend = partial(_delete_upload, library, upload_id)
        yield Finding(FindingCode.UPLOAD_EXPIRED, upload_id, message, ADVICE, mend)
    for upload_id in _without_row(library):
        path = library.uploads.root / upload_id
        mend = partial(_delete_file, library, upload_id)
        message = "no upload is recorded that this file would belong to"
        yield Finding(FindingCode.UPLOAD_ORPHANED, str(path), message, ADVICE, mend)


def _without_row(library: Library) -> list[str]:
    files = library.uploads.abandoned()
    with library.database.reading() as session:
        known = set(session.scalars(select(Upload.id)))
    return sorted(set(files) - known)


def _delete_upload(library: Library, upload_id: str) -> str | None:
    try:
        upload = library.uploads.open(upload_id)
    except UploadInUse:  # somebody goes on with it
        return None
    except FileNotFoundError:
        upload = None
    try:
        with library.database.writing() as session:
            session.execute(delete(Upload).where(Upload.id == upload_id, Upload.expires_at < now()))
        library.uploads.delete(upload_id)
    finally:
        if upload is not None:
            upload.close()
    return "deleted it"


def _delete_file(library: Library, upload_id: str) -> str | None:
    if upload_id not in _without_row(library):
        return None
    return "deleted it" if library.uploads.delete(upload_id) else None
