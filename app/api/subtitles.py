"""``/videos/{id}/subtitles``: giving a video the words that are said in it, and taking them away."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.requests import ClientDisconnect

from app.api.identifiers import Identifier
from app.dependencies import ServicesDependency
from app.errors import UnknownVideo, UploadStalled
from app.media_type import bytes_docs
from app.problem_responses import problem_docs
from app.uploading.body import UploadBody
from app.uploading.fields import SubtitleLanguage
from app.uploading.subtitles import SubtitlesReceipt, remove_subtitles, replace_subtitles
from indexer.errors import NotSubtitles

router = APIRouter(tags=["videos"])


@router.put(
    "/videos/{video_id}/subtitles",
    summary="Give a video subtitles",
    response_model=SubtitlesReceipt,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A SubRip (.srt) or WebVTT (.vtt) file; which one is seen from the bytes",
            "content": bytes_docs("application/octet-stream"),
        }
    },
    responses=problem_docs(
        UnknownVideo, NotSubtitles, UploadStalled, ClientDisconnect, RequestValidationError
    ),
)
async def put_subtitles(
    request: Request,
    services: ServicesDependency,
    video_id: Identifier,
    language: Annotated[SubtitleLanguage | None, Query()] = None,
) -> SubtitlesReceipt:
    """Make the file in the body all that is said in the video; it stands when the video is indexed again."""
    return await to_thread.run_sync(
        replace_subtitles,
        services.library,
        video_id,
        language,
        UploadBody(request),
        limiter=services.upload_threads,
    )


@router.delete(
    "/videos/{video_id}/subtitles",
    summary="Remove the subtitles of a video",
    responses=problem_docs(UnknownVideo),
)
def delete_subtitles(services: ServicesDependency, video_id: Identifier) -> SubtitlesReceipt:
    """Forget what is said in the video; indexed again, it has those of its own file again."""
    return remove_subtitles(services.library, video_id)
