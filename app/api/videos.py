"""``/videos``: adding, listing, reading, playing and deleting videos."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from sqlalchemy.orm import Session
from starlette.requests import ClientDisconnect

from app.api.identifiers import Identifier, VideoId
from app.calendar_time import CalendarTime
from app.deletion import delete_video
from app.dependencies import ServicesDependency
from app.descriptions import describe_videos
from app.errors import (
    InvalidCursor,
    MalformedUpload,
    NotMultipart,
    StorageFull,
    UnknownVideo,
    UploadConflict,
    UploadStalled,
)
from app.hook_errors import DeletionUnfinished
from app.media_response import MediaResponse
from app.media_type import bytes_docs, media_type
from app.opaque_cursor import Cursor, decode_cursor, page_info
from app.problem_responses import problem_docs
from app.schemas import DeletionReceipt, UploadReceipt, VideoDetails, VideoList
from app.upload_errors import IdempotencyKeyReused
from app.uploading.body import UploadBody
from app.uploading.form import upload_body_docs
from app.uploading.form_upload import accept_video
from app.urls import job_url, video_url
from indexer.catalog import videos
from indexer.catalog.states import VideoState
from indexer.catalog.tables import Video
from indexer.errors import EmptyUpload, MediaMissing, NotSubtitles, UploadTooLarge

router = APIRouter(tags=["videos"])

MAX_PAGE = 200


class ListCursor(Cursor):
    """The last video of a page of the list."""

    added_at: CalendarTime
    video_id: VideoId


@router.post(
    "/videos",
    status_code=202,
    summary="Upload a video",
    response_model=UploadReceipt,
    openapi_extra={"requestBody": upload_body_docs()},
    responses={
        200: {"model": UploadReceipt, "description": "The library has these bytes already, indexed"},
        **problem_docs(
            MalformedUpload,
            ClientDisconnect,
            UploadStalled,
            UploadConflict,
            UploadTooLarge,
            NotMultipart,
            RequestValidationError,
            EmptyUpload,
            NotSubtitles,
            IdempotencyKeyReused,
            StorageFull,
        ),
    },
)
async def upload_video(
    request: Request,
    response: Response,
    services: ServicesDependency,
    idempotency_key: Annotated[
        str | None, Header(description="Sent again with the same key, the answer is about the same job")
    ] = None,
) -> UploadReceipt:
    """Store a video and enqueue its indexing, which `Location` shows; the same bytes are one video."""
    body = UploadBody(request)
    accepted = await to_thread.run_sync(
        accept_video,
        services.library,
        services.settings,
        services.generation_id,
        body,
        idempotency_key,
        limiter=services.upload_threads,
    )
    video, job = accepted.video, accepted.job
    response.status_code = 200 if video.state is VideoState.READY else 202
    response.headers["Location"] = job_url(job.id)
    return UploadReceipt(
        video_id=video.id,
        job_id=job.id,
        state=video.state,
        sha256=video.sha256,
        is_new=accepted.is_new,
        video_url=video_url(video.id),
        job_url=job_url(job.id),
    )


@router.get("/videos", summary="List videos", responses=problem_docs(InvalidCursor, RequestValidationError))
def list_videos(
    services: ServicesDependency,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most videos on a page")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
) -> VideoList:
    """Return the videos of the library, newest first."""
    place = decode_cursor(cursor, ListCursor) if cursor is not None else None
    after = (place.added_at, place.video_id) if place else None
    with services.library.database.reading() as session:
        found = videos.list_page(session, limit=limit + 1, after=after)
        described = describe_videos(session, found[:limit], services.generation_id)
    return VideoList(
        data=described,
        page_info=page_info(
            found, limit, lambda video: ListCursor(added_at=video.added_at, video_id=video.id)
        ),
    )


@router.get("/videos/{video_id}", summary="Read a video", responses=problem_docs(UnknownVideo))
def read_video(services: ServicesDependency, video_id: Identifier) -> VideoDetails:
    """Return what is known of one video."""
    with services.library.database.reading() as session:
        return describe_videos(session, [_get(session, video_id)], services.generation_id)[0]


@router.delete(
    "/videos/{video_id}",
    summary="Delete a video",
    responses=problem_docs(UnknownVideo, DeletionUnfinished),
)
async def remove_video(services: ServicesDependency, video_id: Identifier) -> DeletionReceipt:
    """Delete a video with its clips, vectors, pictures and uploaded file; repeated, it answers the same."""
    return await to_thread.run_sync(delete_video, services, video_id, limiter=services.deletion_threads)


@router.get(
    "/videos/{video_id}/stream",
    summary="Play a video",
    response_class=FileResponse,
    responses={
        200: {"description": "The whole file", "content": bytes_docs("video/*")},
        206: {"description": "The bytes asked for in `Range`", "content": bytes_docs("video/*")},
        **problem_docs(UnknownVideo, MediaMissing),
    },
)
@router.head("/videos/{video_id}/stream", include_in_schema=False)
def stream_video(services: ServicesDependency, video_id: Identifier) -> FileResponse:
    """Return the file as it was given, whole or the byte range asked for, so that players can seek."""
    with services.library.database.reading() as session:
        video = _get(session, video_id)
    path = services.library.media.locate(video.media_path)
    try:
        stat_result = path.stat()
    except OSError as error:
        way_out = "upload it again" if video.is_managed else f"put {video.filename!r} back where it was"
        raise MediaMissing(f"the file of video {video_id} is gone from the disk: {way_out}") from error
    return MediaResponse(
        path,
        media_type=media_type(video),
        stat_result=stat_result,
        filename=video.filename,
        content_disposition_type="inline",
    )


def _get(session: Session, video_id: str) -> Video:
    video = videos.get(session, video_id)
    if video is None:
        raise UnknownVideo(video_id)
    return video
