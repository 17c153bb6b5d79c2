# ruff: noqa: N818 - the name of each class is the reason itself
"""What can go wrong with resumable uploads, imports and requests that are sent again.

::

    RequestError
    ├── InvalidUploadRequest, UnsupportedTusVersion, NotOffsetStream
    ├── UnknownUpload, UploadExpired, OffsetMismatch, UploadLocked, ChecksumMismatch
    ├── ImportNotAllowed, ImportPathMissing
    └── IdempotencyKeyReused
"""

from app.request_error import RequestError

TUS_VERSION = "1.0.0"


class InvalidUploadRequest(RequestError):
    """A header of a resumable upload is missing, or is not what the protocol says."""


class UnsupportedTusVersion(RequestError):
    """The client speaks another version of tus, or does not say which."""

    headers = {"Tus-Version": TUS_VERSION}  # noqa: RUF012 - a constant of the class

    def __init__(self, version: str | None) -> None:
        super().__init__(
            f"Tus-Resumable is {version!r} and this service speaks {TUS_VERSION}: send Tus-Resumable: "
            f"{TUS_VERSION}"
        )


class NotOffsetStream(RequestError):
    """A piece of an upload came in another type than application/offset+octet-stream."""


class UnknownUpload(RequestError):
    """No upload has this id."""

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            f"there is no upload {upload_id!r}: it was ended, or expired long ago; begin it anew with "
            "POST /uploads"
        )


class UploadExpired(RequestError):
    """An upload that was left alone for too long."""


class OffsetMismatch(RequestError):
    """A piece that does not begin where the upload stands."""

    def __init__(self, told: int, offset: int) -> None:
        super().__init__(
            f"Upload-Offset is {told} and {offset} bytes have arrived: ask with HEAD and go on from there"
        )
        self.headers = {"Upload-Offset": str(offset)}


class UploadLocked(RequestError):
    """Another request is at the same upload."""

    headers = {"Retry-After": "1"}  # noqa: RUF012 - a constant of the class


class ChecksumMismatch(RequestError):
    """A piece arrived damaged; it is thrown away."""


class ImportNotAllowed(RequestError):
    """A path outside the folders that may be imported from."""


class ImportPathMissing(RequestError):
    """There is nothing at a path that may be imported from."""


class IdempotencyKeyReused(RequestError):
    """An Idempotency-Key that was sent before with something else."""
