"""Which moments are taken away: the answer of a search, or those that a person chose."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from app.dependencies import Services
from app.errors import InvalidMoment, UnknownClip, UnknownVideo
from app.export.frame_rate import exact_rate
from app.export.moments import Moment, MomentList, Source
from app.export.spans import check_span
from app.export.timecode import source_count
from app.schemas import Hit, ShortHit
from app.search.answering.answer import search_videos
from app.search.asking.query import SearchQuery
from app.urls import stream_url
from indexer.catalog import clips, videos
from indexer.catalog.tables import Video

SELECTION_NAME = "Selected moments"

WRITTEN_SPAN = re.compile(r"([0-9a-f]{32}):(\d{1,7}(?:\.\d{1,9})?)-(\d{1,7}(?:\.\d{1,9})?)")


@dataclass(frozen=True)
class ExportStyle:
    """What a person decides about an export."""

    prefers_drop: bool = True
    """Whether 29.97 and 59.94 count with drop frame where the video itself does not say."""
    base_url: str = ""
    """Of the service, without a slash at its end: for videos that are not on the user's own disk."""


def found_moments(services: Services, query: SearchQuery, style: ExportStyle) -> MomentList:
    """Return the hits of one page of a search; raises what a search does."""
    answer = search_videos(services, query)
    with services.library.database.reading() as session:
        sources = _Sources(session, style)
        moments = [moment for hit in answer.data for moment in _moments_of(hit, sources.get(hit.video_id))]
    return MomentList(answer.query or "Moments like these", tuple(moments))


def chosen_moments(
    services: Services, clip_ids: Sequence[str], spans: Sequence[str], style: ExportStyle
) -> MomentList:
    """Return clips, then spans written ``VIDEO:START-END``, each in the order given.

    Raises UnknownClip, UnknownVideo and InvalidMoment.
    """
    with services.library.database.reading() as session:
        sources = _Sources(session, style)
        moments = [_clip_moment(session, sources, clip_id) for clip_id in clip_ids]
        moments += [_span_moment(sources, written) for written in spans]
    return MomentList(SELECTION_NAME, tuple(moments))


class _Sources:
    """The videos of one export, each read once."""

    def __init__(self, session: Session, style: ExportStyle) -> None:
        self._session, self._style = session, style
        self._known: dict[str, Source | None] = {}

    def get(self, video_id: str) -> Source | None:
        if video_id not in self._known:
            video = videos.get(self._session, video_id)
            self._known[video_id] = None if video is None else self._describe(video)
        return self._known[video_id]

    def _describe(self, video: Video) -> Source:
        count, first_frame = source_count(
            exact_rate(video.frame_rate), video.start_timecode, self._style.prefers_drop
        )
        in_place = not video.is_managed
        return Source(
            video_id=video.id,
            title=video.title,
            filename=video.filename,
            address=Path(video.media_path).as_uri()
            if in_place
            else f"{self._style.base_url}{stream_url(video.id)}",
            count=count,
            first_frame=first_frame,
            duration_s=video.duration_s,
            recorded_at=video.recorded_at,
        )


def _moments_of(hit: Hit, source: Source | None) -> list[Moment]:
    """Return a hit's moment, or all of them where it stands for a video.

    None when that was deleted in this very moment.
    """
    if source is None:
        return []
    best = Moment(
        source=source,
        start_s=hit.start,
        end_s=hit.end,
        clip_id=hit.clip_id,
        rank=hit.rank,
        best_at_s=hit.best_at,
        score=hit.score,
        confidence=hit.confidence,
        said=None if hit.said is None else hit.said.text,
    )
    return [best if one.clip_id == hit.clip_id else _other(hit, one, source) for one in hit.moments] or [best]


def _other(hit: Hit, moment: ShortHit, source: Source) -> Moment:
    return Moment(
        source=source,
        start_s=moment.start,
        end_s=moment.end,
        clip_id=moment.clip_id,
        rank=hit.rank,
        score=moment.score,
        confidence=moment.confidence,
    )


def _clip_moment(session: Session, sources: _Sources, clip_id: str) -> Moment:
    clip = clips.get(session, clip_id)
    source = None if clip is None else sources.get(clip.video_id)
    if clip is None or source is None:
        raise UnknownClip(clip_id, "clip")
    return Moment(source, clip.start_s, clip.end_s, clip_id=clip.id)


def _span_moment(sources: _Sources, written: str) -> Moment:
    found = WRITTEN_SPAN.fullmatch(written)
    if found is None:
        message = "write a moment as VIDEO:START-END, with seconds as in 12.5-17"
        raise InvalidMoment("moment", message, written)
    source = sources.get(found[1])
    if source is None:
        raise UnknownVideo(found[1], "moment")
    start_s, end_s = check_span(float(found[2]), float(found[3]), source.duration_s, ("moment", "moment"))
    return Moment(source, start_s, end_s)
