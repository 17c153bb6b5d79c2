"""``/uploads``: resumable uploads, as tus 1.0 says (https://tus.io/protocols/resumable-upload).

OpenAPI cannot tell that headers depend on each other, so they are read by hand, and strictly.
"""

from datetime import datetime
from email.utils import format_datetime
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from app.api.identifiers import Identifier
from app.dependencies import ServicesDependency
from app.errors import StorageFull, UploadConflict, UploadStalled
from app.media_type import bytes_docs
from app.problem_responses import problem_docs
from app.upload_errors import (
    TUS_VERSION,
    ChecksumMismatch,
    InvalidUploadRequest,
    NotOffsetStream,
    OffsetMismatch,
    UnknownUpload,
    UnsupportedTusVersion,
    UploadExpired,
    UploadLocked,
)
from app.uploading.body import UploadBody
from app.uploading.tus import headers, state
from app.uploading.tus.piece import PieceRequest, Received
from app.urls import job_url, video_url
from app.urls import upload_url as url_of
from indexer.catalog.client_tables import Upload
from indexer.errors import EmptyUpload, UploadTooLarge

router = APIRouter(tags=["uploads"])

WHILE_TAKING = (
    InvalidUploadRequest,
    ClientDisconnect,
    UploadStalled,
    UploadConflict,
    UnsupportedTusVersion,
    UploadTooLarge,
    NotOffsetStream,
    UploadLocked,
    ChecksumMismatch,
    StorageFull,
)
PIECE_BODY = {"requestBody": {"content": bytes_docs(headers.PIECE_TYPE)}}


class UploadDetails(BaseModel):
    """A resumable upload."""

    id: str
    filename: str
    offset: int = Field(description="Bytes that have arrived")
    length: int | None = Field(description="Bytes of the whole file; null while the client has not told")
    expires_at: datetime = Field(description="When it is deleted unless it goes on")
    video_id: str | None = Field(description="Null until all has arrived")
    job_id: str | None
    video_url: str | None
    job_url: str | None


TusVersion = Annotated[
    str | None, Header(alias="Tus-Resumable", description="1.0.0", json_schema_extra={"enum": [TUS_VERSION]})
]


def speak_tus(tus_resumable: TusVersion = None) -> None:
    """Refuse clients of another version."""
    headers.require_version(tus_resumable)


SPEAKS_TUS = [Depends(speak_tus)]
Length = Annotated[str | None, Header(alias="Upload-Length", description="Bytes of the whole file")]
Sum = Annotated[
    str | None, Header(alias="Upload-Checksum", description="Of the piece: sha1 or sha256, and its Base64")
]


@router.options(
    "/uploads", status_code=204, summary="Ask what resumable uploads can do", responses=problem_docs()
)
def describe_uploads(services: ServicesDependency) -> Response:
    """Return the version, the extensions and the largest file, in headers."""
    return Response(
        status_code=204,
        headers={
            "Tus-Version": TUS_VERSION,
            "Tus-Extension": headers.EXTENSIONS,
            "Tus-Max-Size": str(services.settings.upload_limit_bytes),
            "Tus-Checksum-Algorithm": ",".join(headers.CHECKSUM_ALGORITHMS),
        },
    )


@router.post(
    "/uploads",
    status_code=201,
    summary="Begin a resumable upload",
    response_class=Response,
    dependencies=SPEAKS_TUS,
    openapi_extra=PIECE_BODY,
    responses=problem_docs(*WHILE_TAKING, RequestValidationError, EmptyUpload),
)
async def begin_upload(
    request: Request,
    services: ServicesDependency,
    upload_length: Length = None,
    upload_defer_length: Annotated[
        str | None, Header(description="1, to tell Upload-Length with a later piece")
    ] = None,
    upload_metadata: Annotated[
        str | None, Header(description="filename, title, collection, recorded_at, metadata: each in Base64")
    ] = None,
    upload_checksum: Sum = None,
) -> Response:
    """Make room for a file, and take its first bytes if there are any; `Location` is where it goes on."""
    length_bytes = headers.read_length(
        upload_length, upload_defer_length, request.headers.get("upload-concat")
    )
    checksum = headers.read_checksum(upload_checksum)
    body = UploadBody(request)
    has_body = body.content_length > 0 or "transfer-encoding" in request.headers
    if has_body:
        headers.require_piece_type(body.content_type)
    upload = await to_thread.run_sync(
        state.begin, services.intake, length_bytes, upload_metadata, limiter=services.pieces.threads
    )
    described = {"Location": url_of(upload.id), **_expiry(upload)}
    if has_body:
        piece = PieceRequest(0, checksum=checksum, content_length=body.content_length)
        received = await services.pieces.receive(services.intake, upload.id, piece, body)
        described = {**_describe(received), **described}
    return Response(status_code=201, headers=described)


@router.patch(
    "/uploads/{upload_id}",
    status_code=204,
    summary="Go on with a resumable upload",
    dependencies=SPEAKS_TUS,
    openapi_extra=PIECE_BODY,
    responses=problem_docs(*WHILE_TAKING, UnknownUpload, UploadExpired, OffsetMismatch),
)
async def continue_upload(
    request: Request,
    services: ServicesDependency,
    upload_id: Identifier,
    upload_offset: Annotated[str | None, Header(description="Bytes that have arrived, as HEAD tells")] = None,
    upload_length: Length = None,
    upload_checksum: Sum = None,
) -> Response:
    """Take the bytes that follow; with the last of them, `Location` is the job that indexes the video."""
    body = UploadBody(request)
    headers.require_piece_type(body.content_type)
    offset = headers.read_number("Upload-Offset", upload_offset)
    if offset is None:
        raise InvalidUploadRequest("Upload-Offset is missing: send the number of bytes that have arrived")
    piece = PieceRequest(
        offset,
        headers.read_number("Upload-Length", upload_length),
        headers.read_checksum(upload_checksum),
        body.content_length,
    )
    received = await services.pieces.receive(services.intake, upload_id, piece, body)
    described = _describe(received)
    if received.job_id is not None:
        described["Location"] = job_url(received.job_id)
    return Response(status_code=204, headers=described)


@router.head(
    "/uploads/{upload_id}",
    summary="Ask how far a resumable upload is",
    response_class=Response,
    dependencies=SPEAKS_TUS,
    responses=problem_docs(UnsupportedTusVersion, UnknownUpload, UploadExpired, UploadConflict, StorageFull),
)
def locate_upload(services: ServicesDependency, upload_id: Identifier) -> Response:
    """Return in headers how many bytes have arrived."""
    progress = state.read(services.intake, upload_id)
    upload = progress.upload
    described = {"Upload-Offset": str(progress.offset), "Cache-Control": "no-store", **_expiry(upload)}
    if upload.length_bytes is None:
        described["Upload-Defer-Length"] = "1"
    else:
        described["Upload-Length"] = str(upload.length_bytes)
    if metadata := str(upload.fields.get("upload_metadata", "")):
        described["Upload-Metadata"] = metadata
    return Response(headers={**described, **_outcome(upload.video_id, upload.job_id)})


@router.get(
    "/uploads/{upload_id}",
    summary="Read a resumable upload",
    responses=problem_docs(UnknownUpload, UploadExpired, UploadConflict, StorageFull),
)
def read_upload(services: ServicesDependency, upload_id: Identifier) -> UploadDetails:
    """Return how far an upload is, and the video and job that came of it."""
    progress = state.read(services.intake, upload_id)
    upload = progress.upload
    return UploadDetails(
        id=upload.id,
        filename=upload.filename,
        offset=progress.offset,
        length=upload.length_bytes,
        expires_at=upload.expires_at,
        video_id=upload.video_id,
        job_id=upload.job_id,
        video_url=video_url(upload.video_id) if upload.video_id else None,
        job_url=job_url(upload.job_id) if upload.job_id else None,
    )


@router.delete(
    "/uploads/{upload_id}",
    status_code=204,
    summary="End a resumable upload",
    dependencies=SPEAKS_TUS,
    responses=problem_docs(UnsupportedTusVersion, UnknownUpload, UploadExpired, UploadLocked),
)
async def end_upload(services: ServicesDependency, upload_id: Identifier) -> Response:
    """Delete what has arrived; the video of a finished upload stays."""
    await services.pieces.end(services.intake, upload_id)
    return Response(status_code=204)


def _describe(received: Received) -> dict[str, str]:
    described = {"Upload-Offset": str(received.offset), **_expiry(received.upload)}
    return {**described, **_outcome(received.video_id, received.job_id)}


def _expiry(upload: Upload) -> dict[str, str]:
    return {"Upload-Expires": format_datetime(upload.expires_at, usegmt=True)}


def _outcome(video_id: str | None, job_id: str | None) -> dict[str, str]:
    """Return where video and job of a finished upload are."""
    if video_id is None or job_id is None:
        return {}
    return {"ReelSeek-Video": video_url(video_id), "ReelSeek-Job": job_url(job_id)}
