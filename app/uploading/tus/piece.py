"""One piece of a resumable upload: the bytes of a request, put behind those that had arrived.

What has arrived stays when the connection breaks, the disk is full or the process dies; only of a piece with
a checksum everything is thrown away unless all of it came and was right. Where it began is noted in the
catalog meanwhile, so that not even a kill lets unchecked bytes count.
"""

import hashlib
from dataclasses import dataclass

from app.upload_errors import (
    ChecksumMismatch,
    InvalidUploadRequest,
    OffsetMismatch,
    UnknownUpload,
    UploadLocked,
)
from app.uploading.disk_space import CHECK_EVERY_BYTES, full_disk_told, require_some_left
from app.uploading.tus.finishing import Digest, finish
from app.uploading.tus.headers import Checksum
from app.uploading.tus.intake import Intake
from app.uploading.tus.state import require_upload
from indexer.catalog.client_tables import Upload
from indexer.errors import UploadTooLarge
from indexer.upload_store import OpenUpload, UploadInUse


@dataclass(frozen=True)
class PieceRequest:
    """What a request says of the piece in its body."""

    offset: int
    length_bytes: int | None = None
    """Of the whole file, when the client had deferred to tell."""
    checksum: Checksum | None = None
    content_length: int | None = None


@dataclass(frozen=True)
class Received:
    """How far an upload is after a piece."""

    upload: Upload
    offset: int
    video_id: str | None
    """Of the video, once the upload is finished."""
    job_id: str | None


def repeated(intake: Intake, upload_id: str, request: PieceRequest) -> Received | None:
    """Return how a finished upload stands, None for any other; raises as Piece does.

    A client whose last answer was lost sends nothing more, from the end on.
    """
    upload = require_upload(intake, upload_id)
    if upload.job_id is None or upload.length_bytes is None:
        return None
    if request.offset != upload.length_bytes:
        raise OffsetMismatch(request.offset, upload.length_bytes)
    return Received(upload, upload.length_bytes, upload.video_id, upload.job_id)


class Piece:
    """A piece while it arrives; the upload's file is locked until ``end``."""

    def __init__(
        self, intake: Intake, upload_id: str, request: PieceRequest, digest: Digest | None = None
    ) -> None:
        """Lock the upload and see that the piece belongs there; ``digest`` is that of all bytes before it.

        Raises UnknownUpload, UploadExpired, UploadLocked, OffsetMismatch, InvalidUploadRequest and
        UploadTooLarge.
        """
        self._intake, self._request = intake, request
        self._file = _locked(intake, upload_id)
        try:
            self.upload = _begin(intake, upload_id, self._file, request)
            self._limit = self.upload.length_bytes or intake.settings.upload_limit_bytes
            self._require_fit(request.content_length or 0)
        except BaseException:
            self._file.close()
            raise
        self._size = request.offset
        self._unchecked_bytes = 0
        self.digest = hashlib.sha256() if request.offset == 0 else digest
        """The sha256 of all that has arrived, where it is known without reading it again."""
        algorithm = request.checksum.algorithm if request.checksum else None
        self._sum = hashlib.new(algorithm, usedforsecurity=False) if algorithm else None

    def write(self, data: bytes) -> None:
        """Put bytes behind the others; raises UploadTooLarge and StorageFull."""
        if self._size + len(data) > self._limit:
            self._file.truncate(self._request.offset)  # a client that is wrong about the end is not believed
            self._require_fit(self._size - self._request.offset + len(data))
        whole, self.digest = self.digest, None  # unless all can be written
        with full_disk_told():
            self._file.append(data)
        self.digest = whole
        self._size += len(data)
        for digest in (self.digest, self._sum):
            if digest is not None:
                digest.update(data)
        self._unchecked_bytes += len(data)
        if self._unchecked_bytes >= CHECK_EVERY_BYTES:
            require_some_left(self._intake.library, self._intake.settings.min_free_bytes)
            self._unchecked_bytes = 0

    def end(self, *, is_whole: bool) -> Received:
        """Keep what arrived, accept the file if that was its end, and let others at the upload.

        ``is_whole`` says whether the request's body came to its end. Raises ChecksumMismatch, and as
        ``finish``.
        """
        try:
            is_right = self._keep_or_discard(is_whole=is_whole)
            upload = self._record()
            size_bytes = self._file.size_bytes
            if not is_right and is_whole:
                raise ChecksumMismatch(
                    f"the piece at {self._request.offset} did not come to its Upload-Checksum and was "
                    "thrown away: send it again"
                )
            if size_bytes != upload.length_bytes:
                return Received(upload, size_bytes, None, None)
            accepted = finish(self._intake, upload, self._file, self.digest)
            return Received(upload, size_bytes, accepted.video.id, accepted.job.id)
        finally:
            self._file.close()

    def _keep_or_discard(self, *, is_whole: bool) -> bool:
        checksum = self._request.checksum
        is_right = checksum is None or (
            is_whole and self._sum is not None and checksum.fits(self._sum.digest())
        )
        if not is_right:
            self._file.truncate(self._request.offset)
        self._file.sync()
        return is_right

    def _record(self) -> Upload:
        with self._intake.library.database.writing() as session:
            row = session.get(Upload, self.upload.id, with_for_update=True)
            if row is None:
                raise UnknownUpload(self.upload.id)
            row.checked_bytes, row.expires_at = None, self._intake.expires_at()
        return row

    def _require_fit(self, piece_bytes: int) -> None:
        if self._request.offset + piece_bytes > self._limit:
            raise UploadTooLarge(
                f"a piece of {piece_bytes} bytes at offset {self._request.offset} passes the {self._limit} "
                "bytes of the upload: send what Upload-Length told, at most REELSEEK_MAX_UPLOAD_BYTES"
            )


def _locked(intake: Intake, upload_id: str) -> OpenUpload:
    try:
        return intake.library.uploads.open(upload_id)
    except UploadInUse as error:
        raise UploadLocked(f"another request is at upload {upload_id}: try again in a moment") from error
    except FileNotFoundError as error:
        raise UnknownUpload(upload_id) from error


def _begin(intake: Intake, upload_id: str, file: OpenUpload, request: PieceRequest) -> Upload:
    """Return the upload, ready for the piece: unchecked bytes are gone, its length and checksum are noted."""
    with intake.library.database.writing() as session:
        upload = session.get(Upload, upload_id, with_for_update=True)
        if upload is None:
            raise UnknownUpload(upload_id)
        if upload.checked_bytes is not None:  # the process that took the last piece died
            file.truncate(upload.checked_bytes)
            upload.checked_bytes = None
        if request.offset != file.size_bytes:
            raise OffsetMismatch(request.offset, file.size_bytes)
        _tell_length(intake, upload, file, request.length_bytes)
        if request.checksum is not None:
            upload.checked_bytes = request.offset
    return upload


def _tell_length(intake: Intake, upload: Upload, file: OpenUpload, length_bytes: int | None) -> None:
    if length_bytes is None or length_bytes == upload.length_bytes:
        return
    if upload.length_bytes is not None or length_bytes < file.size_bytes:
        told = upload.length_bytes if upload.length_bytes is not None else f"at least {file.size_bytes}"
        raise InvalidUploadRequest(f"Upload-Length is {length_bytes} and the upload has {told} bytes")
    if length_bytes > intake.settings.upload_limit_bytes:
        raise UploadTooLarge(
            f"Upload-Length is {length_bytes} and {intake.settings.upload_limit_bytes} bytes are allowed"
        )
    upload.length_bytes = length_bytes
