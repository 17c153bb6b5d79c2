# ruff: noqa: N818 - the name of each class is the reason itself
"""What can go wrong in a request, and the one table that says how each is answered.

::

    RequestError
    ├── UnknownVideo, UnknownClip, UnknownJob, UnknownJudgement, ThumbnailMissing
    ├── InvalidCursor, InvalidSearch (a ValueError too, for the command line), InvalidImage, ImageTooLarge
    ├── NotMultipart, MalformedUpload, UploadStalled, UploadConflict, StorageFull ── StorageUnwritable
    ├── InvalidMoment, CutFailed, CannotExplain
    ├── CrossSiteRequest
    ├── those of app.upload_errors and app.hook_errors
    └── NotReady

Only this module knows status codes. A type never changes its name once released: clients compare them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.requests import ClientDisconnect

from app.hook_errors import DeletionUnfinished, TargetRefused, TooManyWebhooks, UnknownWebhook
from app.job_errors import JobConflict
from app.request_error import RequestError
from app.upload_errors import (
    ChecksumMismatch,
    IdempotencyKeyReused,
    ImportNotAllowed,
    ImportPathMissing,
    InvalidUploadRequest,
    NotOffsetStream,
    OffsetMismatch,
    UnknownUpload,
    UnsupportedTusVersion,
    UploadExpired,
    UploadLocked,
)
from indexer.errors import (
    CannotPromote,
    EmptyUpload,
    GenerationRetired,
    MediaMissing,
    ModelUnavailable,
    NotSubtitles,
    UnknownGeneration,
    UploadTooLarge,
    VideosMissing,
)


class UnknownVideo(RequestError):
    """No video has this id."""

    def __init__(self, video_id: str, parameter: str | None = None) -> None:
        super().__init__(f"there is no video {video_id!r}: GET /videos lists those there are")
        self.parameter, self.value = parameter, video_id


class UnknownClip(RequestError):
    """No clip has this id."""

    def __init__(self, clip_id: str, parameter: str | None = None) -> None:
        super().__init__(f"there is no clip {clip_id!r}: its video was deleted or indexed anew; search again")
        self.parameter, self.value = parameter, clip_id


class UnknownJob(RequestError):
    """No job has this id."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id!r}: jobs go with their video when it is deleted")


class UnknownJudgement(RequestError):
    """No judgement has this id."""

    def __init__(self, judgement_id: str) -> None:
        super().__init__(
            f"there is no judgement {judgement_id!r}: they go with their video when it is deleted"
        )


class ThumbnailMissing(RequestError):
    """The clip is known and its picture is not on the disk."""


class InvalidCursor(RequestError):
    """A cursor that this service did not give, or not for this request."""

    parameter = "cursor"


class InvalidSearch(RequestError, ValueError):
    """A search that cannot be meant."""

    def __init__(self, parameter: str, message: str, value: object = None) -> None:
        super().__init__(message)
        self.parameter, self.value = parameter, value


class InvalidImage(InvalidSearch):
    """An image to search by that is none, or is damaged."""


class ImageTooLarge(InvalidSearch):
    """An image to search by with too many bytes or pixels."""


class NotMultipart(RequestError):
    """An upload in another format than multipart/form-data."""


class MalformedUpload(RequestError):
    """A multipart body that cannot be read to its end."""


class UploadStalled(RequestError):
    """An upload of which no byte came for too long."""


class UploadConflict(RequestError):
    """The same video was deleted while it was uploaded again."""


class StorageFull(RequestError):
    """The disk has no room for the upload."""


class StorageUnwritable(StorageFull):
    """The disk takes nothing: it had an error, or somebody may not write there."""


class InvalidMoment(RequestError):
    """A moment that its video does not have."""

    def __init__(self, parameter: str, message: str, value: object = None) -> None:
        super().__init__(message)
        self.parameter, self.value = parameter, value


class CutFailed(RequestError):
    """A moment of a video that cannot be made into a file of its own."""


class CannotExplain(RequestError):
    """A hit whose heat map cannot be drawn: by this model, or out of this file."""


class CrossSiteRequest(RequestError):
    """A request by the page of another site to change something."""

    def __init__(self, site: str) -> None:
        super().__init__(
            f"a page of {site[:200]!r} asked for this, and only ours may: send it from our page or without a "
            "browser; behind a proxy, let that pass on the Host header"
        )


class NotReady(RequestError):
    """A part that searching needs does not work at the moment."""


@dataclass(frozen=True)
class ProblemKind:
    """How one kind of error is answered."""

    name: str  # stable, kebab-case
    status: int
    title: str  # the same in every occurrence

    @property
    def type(self) -> str:
        """Return the problem's ``type``: a URI reference, relative to the service."""
        return f"/problems/{self.name}"


PROBLEMS: Mapping[type[Exception], ProblemKind] = {
    InvalidCursor: ProblemKind("invalid-cursor", 400, "The cursor is not valid here"),
    MalformedUpload: ProblemKind("malformed-upload", 400, "The upload cannot be read"),
    ClientDisconnect: ProblemKind("upload-interrupted", 400, "The connection ended before the request did"),
    InvalidUploadRequest: ProblemKind("invalid-upload-request", 400, "The upload request is not valid"),
    CrossSiteRequest: ProblemKind("cross-site-request", 403, "Another site's page asked for this"),
    ImportNotAllowed: ProblemKind("import-not-allowed", 403, "The path may not be imported from"),
    ImportPathMissing: ProblemKind("import-path-missing", 404, "There is nothing at the path"),
    UnknownUpload: ProblemKind("unknown-upload", 404, "There is no such upload"),
    UnknownVideo: ProblemKind("unknown-video", 404, "There is no such video"),
    UnknownClip: ProblemKind("unknown-clip", 404, "There is no such clip"),
    UnknownGeneration: ProblemKind("unknown-generation", 404, "There is no such generation"),
    UnknownJob: ProblemKind("unknown-job", 404, "There is no such job"),
    UnknownJudgement: ProblemKind("unknown-judgement", 404, "There is no such judgement"),
    UnknownWebhook: ProblemKind("unknown-webhook", 404, "There is no such webhook"),
    MediaMissing: ProblemKind("media-missing", 404, "The video's file is gone"),
    ThumbnailMissing: ProblemKind("thumbnail-missing", 404, "The clip's picture is gone"),
    UploadStalled: ProblemKind("upload-stalled", 408, "The upload stopped coming"),
    JobConflict: ProblemKind("job-conflict", 409, "The job is in no state for this"),
    UploadConflict: ProblemKind("upload-conflict", 409, "The video was deleted meanwhile"),
    OffsetMismatch: ProblemKind("offset-mismatch", 409, "The upload stands elsewhere"),
    UploadExpired: ProblemKind("upload-expired", 410, "The upload has expired"),
    UnsupportedTusVersion: ProblemKind("tus-version-unsupported", 412, "The tus version is not known"),
    TooManyWebhooks: ProblemKind("too-many-webhooks", 409, "There are as many webhooks as are allowed"),
    CannotPromote: ProblemKind("cannot-promote", 409, "The generation cannot serve"),
    VideosMissing: ProblemKind("videos-missing", 409, "The generation lacks videos"),
    ModelUnavailable: ProblemKind("model-unavailable", 409, "The generation's model cannot be loaded"),
    UploadTooLarge: ProblemKind("upload-too-large", 413, "The file is too large"),
    NotMultipart: ProblemKind("not-multipart", 415, "The upload is not multipart/form-data"),
    NotOffsetStream: ProblemKind("not-offset-stream", 415, "The piece has the wrong type"),
    ImageTooLarge: ProblemKind("image-too-large", 413, "The image is too large"),
    RequestValidationError: ProblemKind("invalid-parameter", 422, "A parameter is not valid"),
    InvalidSearch: ProblemKind("invalid-parameter", 422, "A parameter is not valid"),
    InvalidImage: ProblemKind("invalid-image", 422, "The image cannot be read"),
    NotSubtitles: ProblemKind("not-subtitles", 422, "The subtitles cannot be read"),
    EmptyUpload: ProblemKind("empty-file", 422, "The file is empty"),
    TargetRefused: ProblemKind("webhook-target-refused", 422, "No message is sent to this address"),
    InvalidMoment: ProblemKind("invalid-parameter", 422, "A parameter is not valid"),
    CutFailed: ProblemKind("cannot-cut", 422, "The moment cannot be cut out of its video"),
    CannotExplain: ProblemKind("cannot-explain", 422, "The heat map cannot be drawn"),
    IdempotencyKeyReused: ProblemKind("idempotency-key-reused", 422, "The key stands for something else"),
    UploadLocked: ProblemKind("upload-locked", 423, "The upload is busy"),
    ChecksumMismatch: ProblemKind("checksum-mismatch", 460, "The piece arrived damaged"),
    DeletionUnfinished: ProblemKind("deletion-unfinished", 503, "The deletion is not at its end"),
    NotReady: ProblemKind("not-ready", 503, "The service is not ready"),
    GenerationRetired: ProblemKind("not-ready", 503, "The service is not ready"),
    OperationalError: ProblemKind("database-unavailable", 503, "The database does not answer"),
    StorageFull: ProblemKind("storage-full", 507, "The disk has no room for the file"),
    StorageUnwritable: ProblemKind("storage-unwritable", 507, "The disk cannot be written"),
}
"""Every error of ours that a request can end in."""

HTTP_PROBLEMS: Mapping[int, ProblemKind] = {
    kind.status: kind
    for kind in (
        ProblemKind("bad-request", 400, "The request cannot be understood"),
        ProblemKind("not-found", 404, "There is nothing at this address"),
        ProblemKind("method-not-allowed", 405, "This address does not take this method"),
        ProblemKind("range-not-satisfiable", 416, "The file has no such range of bytes"),
        ProblemKind("internal-error", 500, "Something went wrong on our side"),
        ProblemKind("stopping", 503, "The service is being stopped"),
    )
}
"""Errors that the framework itself answers, by status; any other status reads as 400 or 500."""


def problem_of(error: Exception) -> ProblemKind:
    """Return how ``error`` is answered; an exception that no table names is an internal error."""
    for kind in type(error).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    return HTTP_PROBLEMS[500]


def problem_of_status(status: int) -> ProblemKind:
    """Return how an error status of the framework is answered."""
    if status in HTTP_PROBLEMS:
        return HTTP_PROBLEMS[status]
    nearest = HTTP_PROBLEMS[400 if status < 500 else 500]
    return ProblemKind(nearest.name, status, nearest.title)


def all_problems() -> list[ProblemKind]:
    """Return every kind of problem, once each, by status and name."""
    kinds = {*PROBLEMS.values(), *HTTP_PROBLEMS.values()}
    return sorted(kinds, key=lambda kind: (kind.status, kind.name))
