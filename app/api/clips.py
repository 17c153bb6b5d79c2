"""``/clips``: the picture of a moment."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import FileResponse

from app.api.identifiers import Identifier
from app.dependencies import ServicesDependency
from app.errors import ThumbnailMissing, UnknownClip
from app.problem_responses import problem_docs
from indexer.catalog import clips

router = APIRouter(tags=["clips"])

FOREVER = "private, max-age=31536000, immutable"
"""A clip's id stands for one moment of one file: its picture never changes."""


@router.get(
    "/clips/{clip_id}/thumbnail",
    summary="Show a clip's picture",
    response_class=FileResponse,
    responses={
        200: {"description": "The frame in the middle of the clip", "content": {"image/jpeg": {}}},
        304: {"description": "The picture is the one you have"},
        **problem_docs(UnknownClip, ThumbnailMissing),
    },
)
@router.head("/clips/{clip_id}/thumbnail", include_in_schema=False)
def show_thumbnail(
    services: ServicesDependency, clip_id: Identifier, if_none_match: Annotated[str, Header()] = ""
) -> Response:
    """Return the clip's thumbnail, a JPEG 480 pixels wide at most, that may be kept for good."""
    with services.library.database.reading() as session:
        clip = clips.get(session, clip_id)
    if clip is None:
        raise UnknownClip(clip_id)
    headers = {"ETag": f'"{clip.id}"', "Cache-Control": FOREVER}
    if clip.id in if_none_match:
        return Response(status_code=304, headers=headers)
    path = services.library.thumbnails.path(clip.thumbnail_key)
    if not path.is_file():
        raise ThumbnailMissing(f"the picture of clip {clip_id} is gone from the disk: index its video anew")
    return FileResponse(path, media_type="image/jpeg", headers=headers)
