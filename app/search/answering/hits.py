"""Found moments, turned into hits a person can look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.confidence import Confidence
from app.schemas import Explanation, Hit, HitVideo, SegmentScore, ShortHit, SimilarHits, WordsSaid
from app.search.answering.extent import (
    Extent,
    ScoredSegment,
    clips_around_best,
    extent_of,
    extent_of_words,
    score_segments,
)
from app.search.paging.arrangement import SHOWN_SIMILAR, Found, Moment
from app.search.paging.page import Page
from app.urls import heatmap_url, preview_url, stream_url, thumbnail_url
from indexer.catalog import clips, videos
from indexer.catalog.videos import VideoLabel
from indexer.catalog.words_said import SaidHit
from indexer.previews import MAX_PREVIEW_S

Confide = Callable[[Found, Moment], Confidence | None]


@dataclass(frozen=True)
class Told:
    """What the hits of a search are explained by."""

    words: str | None
    """As typed, where they are all that was looked for."""


@dataclass(frozen=True)
class Rows:
    """What the catalog knows of a page's clips and videos."""

    labels: dict[str, VideoLabel]
    segments: dict[str, list[ScoredSegment]]


def read_hits(
    session: Session, generation_id: int, page: Page, confide: Confide, told: Told | None
) -> list[Hit]:
    """Return the hits of a page in their order; videos deleted in this very moment are left out.

    ``told`` is what explanations are of; None: there are none.
    """
    vector = page.levels[0].ranking_vector
    looked_at = {one for found in page.found for one in clips_around_best(found)} if len(vector) else set()
    clip_ids = [page.clip_ids[one] for one in looked_at]
    video_ids = {moment.video_id for found in page.found for moment in found.shown_moments()}
    rows = Rows(
        labels=videos.labels_of(session, list(video_ids)),
        segments=score_segments(clips.segments_of(session, clip_ids, generation_id), vector),
    )
    writer = HitWriter(page, rows, confide, told)
    alive = (found for found in page.found if found.moment.video_id in rows.labels)
    return [writer.hit(rank, found) for rank, found in enumerate(alive, start=page.progress.offset + 1)]


@dataclass(frozen=True)
class HitWriter:
    """Writes the hits of one page."""

    page: Page
    rows: Rows
    confide: Confide
    told: Told | None

    def hit(self, rank: int, found: Found) -> Hit:
        """Return a found moment as the answer shows it."""
        moment, label = found.moment, self.rows.labels[found.moment.video_id]
        segments = self._segments(found)
        extent = self._extent(found, segments)
        clip_id = self.page.clip_ids[moment.clip]
        return Hit(
            rank=rank,
            clip_id=clip_id,
            video_id=moment.video_id,
            start=moment.start_s,
            end=moment.end_s,
            best_at=extent.best_at_s,
            tight_start=extent.start_s,
            tight_end=extent.end_s,
            score=moment.score,
            confidence=self.confide(found, moment),
            clips=[self.page.clip_ids[one] for one in moment.clips],
            similar=SimilarHits(
                count=len(found.similar), hits=self._short(found, found.similar[:SHOWN_SIMILAR])
            ),
            moments=self._short(found, found.moments),
            steps=self._short(found, found.steps),
            said=self._said(moment),
            explanation=None if self.told is None else _explanation(segments, clip_id, self.told),
            thumbnail_url=thumbnail_url(clip_id),
            preview_url=_preview_url(clip_id, moment, extent.best_at_s),
            stream_url=stream_url(moment.video_id, moment.start_s, moment.end_s),
            video=HitVideo(
                title=label.title,
                filename=label.filename,
                duration=label.duration_s,
                recorded_at=label.recorded_at,
                metadata=label.extra,
            ),
        )

    def _segments(self, found: Found) -> list[ScoredSegment]:
        ids = (self.page.clip_ids[one] for one in clips_around_best(found))
        return [segment for clip_id in ids for segment in self.rows.segments.get(clip_id, ())]

    def _extent(self, found: Found, segments: Sequence[ScoredSegment]) -> Extent:
        moment = found.steps[0] if found.steps else found.moment
        level, cue = self.page.levels[0], self._best_cue(moment)
        if cue is not None and not len(level.ranking_vector):
            return extent_of_words(moment.start_s, moment.end_s, cue)
        extent = extent_of(moment.start_s, moment.end_s, segments, level.spread)
        return Extent(extent.best_at_s, extent.start_s, found.moment.end_s) if found.steps else extent

    def _short(self, found: Found, moments: Sequence[Moment]) -> list[ShortHit]:
        shown = [
            (one, self.page.clip_ids[one.clip], self.rows.labels[one.video_id])
            for one in moments
            if one.video_id in self.rows.labels
        ]
        return [
            ShortHit(
                clip_id=clip_id,
                video_id=one.video_id,
                title=label.title,
                start=one.start_s,
                end=one.end_s,
                score=one.score,
                confidence=self.confide(found, one),
                thumbnail_url=thumbnail_url(clip_id),
                stream_url=stream_url(one.video_id, one.start_s, one.end_s),
            )
            for one, clip_id, label in shown
        ]

    def _said(self, moment: Moment) -> WordsSaid | None:
        cue = self._best_cue(moment)
        return None if cue is None else WordsSaid(text=cue.text, start=cue.start_s, end=cue.end_s)

    def _best_cue(self, moment: Moment) -> SaidHit | None:
        cues = [self.page.said[one] for one in moment.clips if one in self.page.said]
        return max(cues, key=lambda cue: cue.score, default=None)


def _preview_url(clip_id: str, moment: Moment, best_at_s: float) -> str:
    """Return the address of a moment's preview, of a long one around its best second."""
    start_s, end_s = moment.start_s, moment.end_s
    if end_s - start_s > MAX_PREVIEW_S:
        start_s = min(max(start_s, best_at_s - MAX_PREVIEW_S / 2), end_s - MAX_PREVIEW_S)
        end_s = start_s + MAX_PREVIEW_S
    return preview_url(clip_id, start_s, end_s)


def _explanation(segments: Sequence[ScoredSegment], clip_id: str, told: Told) -> Explanation:
    return Explanation(
        segments=[SegmentScore(start=one.start_s, end=one.end_s, score=one.score) for one in segments],
        heatmap_url=None if told.words is None else heatmap_url(clip_id, told.words),
    )
