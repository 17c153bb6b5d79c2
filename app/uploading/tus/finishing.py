"""The end of a resumable upload: its file is a video of the library, as if it had come in one piece.

The file keeps its name among the uploads until the catalog has recorded it under the other, so that a process
that dies in between has lost nothing: whoever looks at the upload next finishes it.
"""

import hashlib
from typing import Protocol

from sqlalchemy.orm import Session

from app.upload_errors import UnknownUpload
from app.uploading.acceptance import Accept, AcceptedVideo, ReceivedFile, accept_file
from app.uploading.disk_space import full_disk_told
from app.uploading.tus.headers import read_metadata
from app.uploading.tus.intake import Intake
from indexer.catalog.client_tables import Upload
from indexer.upload_store import OpenUpload, UploadInUse


class Digest(Protocol):
    """The running sha256 of a file's beginning."""

    def update(self, data: bytes, /) -> None:
        """Go on with these bytes."""

    def hexdigest(self) -> str:
        """Return the sha256 of all bytes so far."""


def finish(intake: Intake, upload: Upload, file: OpenUpload, digest: Digest | None = None) -> AcceptedVideo:
    """Accept the whole file of an upload, whose sha256 is read off ``digest`` or computed; raises as that.

    Raises UploadConflict, StorageFull and UnknownUpload; the upload is as it was then.
    """
    sha256 = digest.hexdigest() if digest is not None else _sha256(file)
    file.sync()
    metadata = read_metadata(str(upload.fields.get("upload_metadata", "")))
    with full_disk_told():
        stored = intake.library.media.adopt(file.path, sha256, metadata.filename)

    def around(session: Session, accept: Accept) -> AcceptedVideo:
        row = session.get(Upload, upload.id, with_for_update=True)
        if row is None:
            raise UnknownUpload(upload.id)
        accepted = accept(session)
        row.video_id, row.job_id = accepted.video.id, accepted.job.id
        row.expires_at = intake.expires_at()
        return accepted

    received = ReceivedFile(stored, metadata.filename, metadata.fields)
    accepted = accept_file(intake.library, intake.generation_id, received, around)
    intake.library.uploads.delete(upload.id)
    return accepted


def finish_if_whole(intake: Intake, upload: Upload) -> bool:
    """Finish an upload that has arrived and was not accepted, as its process died; return whether it is.

    Left to whoever is at it, if somebody is. Raises as ``finish``.
    """
    if upload.length_bytes is None or upload.checked_bytes is not None:
        return False
    try:
        file = intake.library.uploads.open(upload.id)
    except (UploadInUse, FileNotFoundError):
        return False
    try:
        if file.size_bytes != upload.length_bytes or not _is_unfinished(intake, upload.id):
            return False
        finish(intake, upload, file)
    finally:
        file.close()
    return True


def _is_unfinished(intake: Intake, upload_id: str) -> bool:
    with intake.library.database.reading() as session:
        row = session.get(Upload, upload_id)
    return row is not None and row.job_id is None


def _sha256(file: OpenUpload) -> str:
    digest = hashlib.sha256()
    for data in file.read():
        digest.update(data)
    return digest.hexdigest()
