"""What one page shows: the clips that no page before has shown, gathered, grouped, varied or put by date.

Every page starts from the top of the ranking in the library of the first page and leaves out what was shown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from app.confidence import QueryLevel
from app.search.asking.query import GroupBy, SearchQuery, Sort
from app.search.ordering.ranking import Ranker, Ranking
from app.search.paging.diversity import POOL, REMEMBERED, most_different
from app.search.paging.moments import MARGIN, WINDOW, Gatherer, Gathering, Places, Rule
from app.search.paging.shown import Shown
from indexer.vector_index.clip_table import ClipColumns

MAX_DATED = 1000
"""So many of the best clips are put by date; cursors name those of them that were shown."""

RANKED_PER_HIT = 3
"""Places of the ranking that a hit takes: the clips that are merged lie among the best too."""

SHOWN_SIMILAR = 20
"""Behind one hit; all of them are counted."""

MAX_MOMENTS = 10
"""Of one video, with ``group_by=video``."""

DatesOf = Callable[[Sequence[str]], Mapping[str, datetime | None]]
"""Gives the date to sort by of each of these videos."""


@dataclass(frozen=True)
class Moment:
    """A part of a video: one clip, or several that touch."""

    clip: int
    """Embedding id of its best clip."""
    score: float
    clips: tuple[int, ...]
    """Embedding ids, in time order."""
    video_id: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Found:
    """One hit."""

    moment: Moment
    similar: tuple[Moment, ...] = ()
    moments: tuple[Moment, ...] = ()
    """The best of its video, when hits are videos."""
    steps: tuple[Moment, ...] = ()
    """Of a sequence."""

    def shown_moments(self) -> Iterator[Moment]:
        """Yield all that an answer tells of: of similar ones the best."""
        yield self.moment
        yield from self.similar[:SHOWN_SIMILAR]
        yield from self.moments
        yield from self.steps


@dataclass(frozen=True)
class Arrangement:
    """The hits of one page."""

    found: list[Found]
    shown: Shown
    """With this page's."""
    depth: int
    """Places of the ranking that lie behind."""
    last: tuple[int, ...]
    """Ids of the clips that lead the last hits, for variety."""
    goes_on: bool


@dataclass(frozen=True)
class Arranger:
    """Arranges the pages of one search."""

    query: SearchQuery
    ranker: Ranker
    level: QueryLevel
    dates_of: DatesOf

    def page(self, shown: Shown, depth: int, last: tuple[int, ...]) -> Arrangement:
        """Return the page behind what was ``shown``; ``depth`` and ``last`` are of the page before."""
        if self.query.sort is not Sort.RELEVANCE:
            return self._page_by_date(shown)
        wanted = self.query.limit + (POOL if self.query.diversity else 0)
        reach = depth + RANKED_PER_HIT * wanted + WINDOW
        while True:
            ranking = self.ranker.best(reach)
            left, clips = self._left(ranking, shown)
            gathered = self._gatherer(left, clips).gather(wanted)
            if gathered is not None:
                break
            reach *= 2
        gatherings, goes_on = gathered
        chosen = self._varied(left, gatherings, last)
        now_shown = self._grown(shown, ranking, left, chosen)
        return Arrangement(
            found=[self._found(one, left, clips) for one in chosen],
            shown=now_shown,
            depth=int(now_shown.holds(*ranking.by_score()).sum()),
            last=self._remembered(last, (int(left.ids[one.leader]) for one in chosen)),
            goes_on=goes_on or len(gatherings) > len(chosen),
        )

    def _remembered(self, last: tuple[int, ...], more: Iterable[int]) -> tuple[int, ...]:
        return (*last, *more)[-REMEMBERED:] if self.query.diversity else ()

    def _page_by_date(self, shown: Shown) -> Arrangement:
        """Return the page of the best clips by date, newest first, those of unknown date last."""
        whole = self.ranker.best(MAX_DATED + 1)
        ranking = replace(whole.only(np.arange(min(MAX_DATED, len(whole)))), is_whole=True)
        left, clips = self._left(ranking, shown)
        gatherings, _ = self._gatherer(left, clips).gather(len(left)) or ([], False)
        names = [self._video_id(clips, one.leader) for one in gatherings]
        dates = self.dates_of(list(dict.fromkeys(names)))

        def by_date(place: int) -> tuple[bool, float]:
            date = dates.get(names[place])
            return date is None, -date.timestamp() if date else 0.0

        order = sorted(range(len(gatherings)), key=by_date)  # stable: the better one first on one date
        chosen = [gatherings[place] for place in order[: self.query.limit]]
        return Arrangement(
            found=[self._found(one, left, clips) for one in chosen],
            shown=shown.with_more(self._stands_for(left, chosen)),
            depth=0,
            last=(),
            goes_on=len(gatherings) > len(chosen),
        )

    @property
    def _is_of_videos(self) -> bool:
        return self.query.group_by is GroupBy.VIDEO

    def _left(self, ranking: Ranking, shown: Shown) -> tuple[Ranking, ClipColumns]:
        """Return what was not shown; of videos that were not, the best clip each, when hits are videos."""
        is_shown = shown.holds(ranking.ids, ranking.scores)
        view = self.ranker.view
        if not self._is_of_videos:
            left = ranking.only(~is_shown)
            return left, view.clips(left.ids)
        video = view.clips(ranking.ids).video
        done = np.union1d(video[is_shown], view.clips(shown.ahead[view.known(shown.ahead)]).video)
        unseen = np.flatnonzero(~np.isin(video, done))
        _, firsts = np.unique(video[unseen], return_index=True)
        left = ranking.only(unseen[np.sort(firsts)])
        return left, view.clips(left.ids)

    def _gatherer(self, left: Ranking, clips: ClipColumns) -> Gatherer:
        is_merged = self.query.merge and not self._is_of_videos
        is_collapsed = self.query.collapse and self.ranker.vector is not None
        rule = Rule(is_merged, is_collapsed, MARGIN * self.level.spread, self.level.copy_cosine)
        return Gatherer(left, clips, self.ranker.vectors, rule)

    def _varied(self, left: Ranking, gatherings: list[Gathering], last: tuple[int, ...]) -> list[Gathering]:
        limit = self.query.limit
        if not self.query.diversity or not gatherings:
            return gatherings[:limit]
        view, leaders = self.ranker.view, [one.leader for one in gatherings]
        before = np.array(last, np.int64)
        order = most_different(
            view.vectors(left.ids[leaders]),
            left.strengths[leaders],
            view.vectors(before[view.known(before)]),
            self.query.diversity,
            limit,
        )
        return [gatherings[place] for place in order]

    def _stands_for(self, left: Ranking, chosen: list[Gathering]) -> list[int]:
        """Return the clips that are shown with ``chosen``; for videos their best clips, which name them."""
        return [int(left.ids[place]) for one in chosen for place in one.places()]

    def _grown(self, shown: Shown, ranking: Ranking, left: Ranking, chosen: list[Gathering]) -> Shown:
        more = shown.with_more(self._stands_for(left, chosen))
        if not self._is_of_videos:
            return more.moved_on(*ranking.by_score())
        view = self.ranker.view
        video = view.clips(ranking.ids).video
        named = view.clips(more.ahead[view.known(more.ahead)]).video
        is_done = more.holds(ranking.ids, ranking.scores) | np.isin(video, named)
        is_done |= np.isin(video, video[is_done])
        moved = more.with_more(ranking.ids[is_done].tolist()).moved_on(*ranking.by_score())
        return replace(moved, ahead=np.intersect1d(moved.ahead, more.ahead))

    def _found(self, one: Gathering, left: Ranking, clips: ClipColumns) -> Found:
        moment = self._moment(left, clips, one.leader, one.merged)
        similar = tuple(self._moment(left, clips, min(run), run) for run in one.similar)
        if not self._is_of_videos:
            return Found(moment, similar)
        moments = self._moments_of(int(clips.video[one.leader]))
        return Found(moments[0] if moments else moment, similar, moments)

    def _moments_of(self, code: int) -> tuple[Moment, ...]:
        """Return the best moments of a video."""
        ranking = self.ranker.of_video(code)
        clips = self.ranker.view.clips(ranking.ids)
        rule = Rule(self.query.merge, collapse=False, margin=MARGIN * self.level.spread)
        gatherer = Gatherer(ranking, clips, self.ranker.view.vectors, rule)
        gatherings, _ = gatherer.gather(MAX_MOMENTS) or ([], False)
        return tuple(self._moment(ranking, clips, one.leader, one.merged) for one in gatherings)

    def _moment(self, ranking: Ranking, clips: ClipColumns, leader: int, places: Places) -> Moment:
        in_time = sorted(places, key=lambda place: clips.start_s[place])
        return Moment(
            clip=int(ranking.ids[leader]),
            score=float(ranking.scores[leader]),
            clips=tuple(ranking.ids[in_time].tolist()),
            video_id=self._video_id(clips, leader),
            start_s=float(clips.start_s[in_time[0]]),
            end_s=float(clips.end_s[in_time[-1]]),
        )

    def _video_id(self, clips: ClipColumns, place: int) -> str:
        return self.ranker.view.video_id(int(clips.video[place]))
