"""One page of a search, made in memory: which moments, in what order, and how the next page goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from app.confidence import Confidence, QueryLevel
from app.dependencies import Services
from app.search.asking.query import SearchQuery, Sort
from app.search.ordering import sequence
from app.search.ordering.ranking import Bounds, Ranker
from app.search.ordering.scope import Scope
from app.search.ordering.spoken import SpokenClips, spoken_clips
from app.search.paging.arrangement import Arrangement, Arranger, Found, Moment
from app.search.paging.cursor import Progress, to_word
from app.search.paging.shown import Place, Shown
from indexer.catalog import videos
from indexer.catalog.words_said import SaidHit
from indexer.vector_index.view import IndexView


@dataclass(frozen=True)
class Page:
    """Hits, and what is to be known of them."""

    found: list[Found]
    levels: Sequence[QueryLevel]
    """One a step."""
    progress: Progress
    """Before this page."""
    next_cursor: str | None
    nothing_found: bool
    clip_ids: dict[int, str]
    """What the catalog calls every clip of the hits."""
    said: dict[int, SaidHit]
    """The best cue of each clip in which the words are said."""
    is_of_changed_library: bool
    """Whether vectors came or went since the first page."""
    clip_count: int
    video_count: int


@dataclass(frozen=True)
class PageMaker:
    """Makes the pages of one search; good only while ``view`` is."""

    services: Services
    view: IndexView
    query: SearchQuery
    scope: Scope
    levels: Sequence[QueryLevel]
    progress: Progress

    def make(self) -> Page:
        """Return the page behind what was shown."""
        found = self._bounds()
        spoken = spoken_clips(self.view, self.scope.cues, self.progress.until_id)
        arrangement = self._sequence(found) if self.query.sequence else self._arranged(found, spoken)
        nothing_found = self.progress.nothing_found
        if nothing_found is None:
            nothing_found = self._is_nothing(found, arrangement, spoken)
        following = replace(
            self.progress,
            offset=self.progress.offset + len(arrangement.found),
            depth=arrangement.depth,
            shown=arrangement.shown,
            last=arrangement.last,
            nothing_found=nothing_found,
        )
        goes_on = arrangement.goes_on and arrangement.found
        return Page(
            found=arrangement.found,
            levels=self.levels,
            progress=self.progress,
            next_cursor=to_word(self.query, self.services.generation_id, following) if goes_on else None,
            nothing_found=nothing_found,
            clip_ids=self._clip_ids(arrangement.found),
            said=dict(spoken.cues),
            is_of_changed_library=self.view.revision != self.progress.revision,
            clip_count=self.view.clip_count,
            video_count=self.view.video_count,
        )

    def _clip_ids(self, hits: Sequence[Found]) -> dict[int, str]:
        ids = {one for found in hits for moment in found.shown_moments() for one in moment.clips}
        every = np.fromiter(ids, np.int64, len(ids))
        return dict(zip(every.tolist(), self.view.clip_ids(every), strict=True))

    def _bounds(self) -> Bounds:
        query, level = self.query, self.levels[0]
        least = query.min_confidence
        if query.sort is not Sort.RELEVANCE and least is None and query.min_score is None:
            least = Confidence.MEDIUM
        video_ids = self.scope.video_ids
        return Bounds(
            allowed_ids=None if video_ids is None else self.view.ids_of_videos(video_ids),
            until_id=self.progress.until_id,
            barred_ids=self.scope.barred_ids,
            min_score=-2.0 if query.min_score is None else query.min_score,
            min_unsaid_score=-2.0 if least is None else least_score(level, least),
        )

    def _arranged(self, bounds: Bounds, spoken: SpokenClips) -> Arrangement:
        level = self.levels[0]
        vector = None if self.query.is_said_alone else level.ranking_vector
        ranker = Ranker(self.view, vector, bounds, spoken)
        arranger = Arranger(self.query, ranker, level, self._dates_of)
        return arranger.page(self.progress.shown, self.progress.depth, self.progress.last)

    def _sequence(self, bounds: Bounds) -> Arrangement:
        """Return a page of runs of clips, whose order depends on nothing that was shown before."""
        before, limit = self.progress.depth, self.query.limit
        runs = sequence.find(
            self.view,
            np.stack([level.ranking_vector for level in self.levels]),
            np.array([level.spread for level in self.levels]),
            self.query.within_s,
            before + limit + 1,
            bounds.allowed_ids,
            bounds.until_id,
        )
        until = self.progress.shown.until
        left = [run for run in runs if until is None or _place(run) > until]
        page = left[:limit]
        return Arrangement(
            found=[self._run(one) for one in page],
            shown=Shown(_place(page[-1]) if page else until),
            depth=before + len(page),
            last=(),
            goes_on=len(left) > limit,
        )

    def _run(self, run: sequence.SequenceHit) -> Found:
        ids = np.array(run.embedding_ids)
        clips = self.view.clips(ids)
        video_id = self.view.video_id(int(clips.video[0]))
        spans = zip(ids.tolist(), run.scores, clips.start_s.tolist(), clips.end_s.tolist(), strict=True)
        steps = tuple(Moment(one, score, (one,), video_id, start, end) for one, score, start, end in spans)
        whole = Moment(
            steps[0].clip,
            run.score,
            tuple(ids.tolist()),
            video_id,
            steps[0].start_s,
            max(step.end_s for step in steps),
        )
        return Found(whole, steps=steps)

    def _is_nothing(self, bounds: Bounds, arrangement: Arrangement, spoken: SpokenClips) -> bool:
        """Return whether the library holds nothing of what is looked for."""
        if self.query.sequence:
            if not arrangement.found:
                return True
            scores = [step.score for step in arrangement.found[0].steps]
            return any(level.is_nothing(score) for level, score in zip(self.levels, scores, strict=True))
        if len(spoken.ids):
            return False
        if self.query.is_said_alone:
            return True
        if arrangement.found and self._is_best_first:
            return self.levels[0].is_nothing(arrangement.found[0].moment.score)
        level = self.levels[0]
        best = self.view.best(level.ranking_vector, 1, bounds.allowed_ids, bounds.until_id)
        return level.is_nothing(float(best.scores[0]) if len(best.scores) else None)

    @property
    def _is_best_first(self) -> bool:
        return self.query.sort is Sort.RELEVANCE and not self.query.diversity

    def _dates_of(self, video_ids: Sequence[str]) -> dict[str, datetime | None]:
        with self.services.library.database.reading() as session:
            return videos.dates_of(session, video_ids, is_recorded=self.query.sort is Sort.RECORDED_AT)


def _place(run: sequence.SequenceHit) -> Place:
    return Place(-run.score, run.embedding_ids[0])


def least_score(level: QueryLevel, least: Confidence) -> float:
    """Return the lowest score of at least this confidence; -2, below any, where confidence cannot be told."""
    passing = {Confidence.HIGH} | ({Confidence.MEDIUM} if least is not Confidence.HIGH else set())
    if level.confidence(1.0) is None or least is Confidence.LOW:
        return -2.0
    low, high = -1.0, 1.0
    for _ in range(30):  # confidence never falls as the score rises
        middle = (low + high) / 2
        low, high = (low, middle) if level.confidence(middle) in passing else (middle, high)
    return high
