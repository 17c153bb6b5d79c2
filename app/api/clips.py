"""``/clips``: the picture of a moment, the moment as a file, and what in it fits."""

import hashlib
import shutil
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse

from app.api.identifiers import Identifier
from app.api.search_options import Description
from app.dependencies import Services, ServicesDependency
from app.errors import (
    CannotExplain,
    CutFailed,
    InvalidMoment,
    StorageFull,
    ThumbnailMissing,
    UnknownClip,
)
from app.export.clip_download import ClipDownload, WantedCut
from app.export.clip_preview import ClipPreview, WantedPreview
from app.export.spans import ROUNDING_S, check_span
from app.heatmap.answer import HeatmapAnswer
from app.heatmap.making import WantedHeatmap
from app.media_type import bytes_docs
from app.problem_responses import problem_docs
from app.search.asking.query import SearchQuery
from app.search.asking.query_words import read_terms
from app.search.asking.target import aim
from app.version import installed_version
from indexer.catalog import clips, videos
from indexer.catalog.tables import Clip, Video
from indexer.clip_cutting import MAX_CUT_BYTES, MAX_CUT_S
from indexer.errors import MediaMissing
from indexer.previews import MAX_PREVIEW_S, Moment

router = APIRouter(tags=["clips"])

PNG = "image/png"

FOREVER = "private, max-age=31536000, immutable"
"""A clip's id stands for one moment of one file: its picture never changes."""


@router.get(
    "/clips/{clip_id}/thumbnail",
    summary="Show a clip's picture",
    response_class=FileResponse,
    responses={
        200: {"description": "The frame in the middle of the clip", "content": bytes_docs("image/jpeg")},
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


Second = Annotated[float | None, Query(ge=0, allow_inf_nan=False)]


@router.get(
    "/clips/{clip_id}/download",
    summary="Download a moment",
    response_class=Response,
    responses={
        200: {"description": "The moment, cut out to the frame", "content": bytes_docs("video/mp4")},
        **problem_docs(
            UnknownClip, MediaMissing, InvalidMoment, CutFailed, RequestValidationError, StorageFull
        ),
    },
)
def download_clip(
    services: ServicesDependency, clip_id: Identifier, start: Second = None, end: Second = None
) -> ClipDownload:
    """Return a clip, or another part of its video up to ten minutes long, as an mp4 that plays anywhere.

    ``start`` and ``end`` are seconds of the video, those of the clip where they are left out.
    """
    clip, video, path = _locate(services, clip_id)
    start_s, end_s = _span(clip, video, (start, end), MAX_CUT_S)
    _require_file(video, path)
    folder = services.library.settings.home_folder / "cuts"
    name = f"{video.title} {_clock(start_s)}-{_clock(end_s)}"
    wanted = WantedCut(path, start_s, end_s, folder, _room(services), name)
    return ClipDownload(wanted, services.cuts)


@router.get(
    "/clips/{clip_id}/preview",
    summary="Show a moment in any browser",
    response_class=Response,
    responses={
        200: {"description": "The moment as H.264 and AAC", "content": bytes_docs("video/mp4")},
        206: {"description": "The part that `Range` asks for", "content": bytes_docs("video/mp4")},
        **problem_docs(
            UnknownClip, MediaMissing, InvalidMoment, CutFailed, RequestValidationError, StorageFull
        ),
    },
)
def show_preview(
    services: ServicesDependency, clip_id: Identifier, start: Second = None, end: Second = None
) -> ClipPreview:
    """Return a clip, or another part of its video up to a minute long, as a film that plays in any browser.

    It is upright, with square pixels and ordinary colours, 1280x720 at most. It is made when it is first
    asked for, which takes about as long as it lasts, and then kept for a while. ``start`` and ``end`` are
    seconds of the video, those of the clip where they are left out.
    """
    clip, video, path = _locate(services, clip_id)
    start_s, end_s = _span(clip, video, (start, end), MAX_PREVIEW_S)
    _require_file(video, path)
    wanted = WantedPreview(
        path=path,
        moment=Moment(video.sha256, start_s, end_s),
        max_bytes=_room(services),
        store=services.previews,
        require_video=lambda: _require_clip(services, clip_id),
    )
    return ClipPreview(wanted, services.preview_slots)


@router.get(
    "/clips/{clip_id}/heatmap",
    summary="Show what of a clip fits",
    response_class=Response,
    responses={
        200: {
            "description": "A frame of the clip, with what the model kept of it",
            "content": bytes_docs(PNG),
        },
        304: {"description": "The picture is the one you have"},
        **problem_docs(UnknownClip, MediaMissing, InvalidMoment, CannotExplain, RequestValidationError),
    },
)
def show_heatmap(
    services: ServicesDependency,
    clip_id: Identifier,
    q: Annotated[Description, Query(description="Words, as in the `q` of GET /search")],
    at: Annotated[
        Second, Query(description="Second of the video to show; the frame that fits best else")
    ] = None,
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Return what each patch that the model kept of a frame has to do with words, from blue to red, as a PNG.

    What it dropped is dark. The picture is the square that the model sees.
    """
    query = SearchQuery(terms=read_terms(q))
    clip, video, path = _locate(services, clip_id)
    if at is not None and not clip.start_s <= at <= clip.end_s:
        raise InvalidMoment("at", f"the clip goes from {clip.start_s:.3f} to {clip.end_s:.3f} s", at)
    vector = aim(services, query.terms).vector
    made_of = f"{clip.id} {services.generation_id} {at} {installed_version()}".encode() + vector.tobytes()
    headers = {"ETag": f'"{hashlib.sha256(made_of).hexdigest()[:32]}"', "Cache-Control": "private, no-cache"}
    if headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    _require_file(video, path)
    wanted = WantedHeatmap(path, clip.start_s, clip.end_s, vector, at)
    return HeatmapAnswer(services.video_encoder, wanted, services.heatmaps, headers)


def _locate(services: Services, clip_id: str) -> tuple[Clip, Video, Path]:
    """Return a clip, its video and where its file was; raises UnknownClip."""
    with services.library.database.reading() as session:
        clip = clips.get(session, clip_id)
        video = None if clip is None else videos.get(session, clip.video_id)
    if clip is None or video is None:
        raise UnknownClip(clip_id)
    return clip, video, services.library.media.locate(video.media_path).absolute()


def _require_clip(services: Services, clip_id: str) -> None:
    _locate(services, clip_id)


def _span(
    clip: Clip, video: Video, asked: tuple[float | None, float | None], most_s: float
) -> tuple[float, float]:
    """Return the seconds that are asked for, or the clip's; raises InvalidMoment."""
    start, end = asked
    start_s, end_s = check_span(
        clip.start_s if start is None else start, clip.end_s if end is None else end, video.duration_s
    )
    if end_s - start_s > most_s + ROUNDING_S:
        raise InvalidMoment("end", f"it may last {most_s:g} s at most: end earlier, or start later", end)
    return start_s, end_s


def _room(services: Services) -> int:
    """Return how many bytes a file that is cut may have; raises StorageFull."""
    room = shutil.disk_usage(services.library.settings.home_folder).free - services.settings.min_free_bytes
    if room <= 0:
        raise StorageFull("the disk has no room for a clip: free some space, then ask for it again")
    return min(room, MAX_CUT_BYTES)


def _require_file(video: Video, path: Path) -> None:
    if not path.is_file():
        raise MediaMissing(f"the file of video {video.id} is gone from the disk: put it back")


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}.{whole // 60 % 60:02}.{whole % 60:02}"
