"""Clips gathered into moments: neighbours merged, near-duplicates behind the best of them.

Clips are taken in the order of the ranking. Each one that is still free leads a moment, and of the free clips
up to ``WINDOW`` places behind it whose score lies within ``MARGIN`` spreads of its own

- those of its video that touch it, or touch one that joined, are merged with it: the moment is as long as
  all of them together and scores as its leader, so a long moment is never worth less than its best clip;
- those of other videos that count as copies (``model.calibration.likeness``) of one of the moment's stand
  behind it as similar.

A spread is how far this query's scores lie apart by chance in this library, so the margin means the same for
every query and model. A moment depends on the clips behind its leader only. Therefore taking whole moments
away from the top leaves all the others as they were, which is what pages are made of.
"""

from bisect import bisect_right
from dataclasses import dataclass
from operator import neg

import numpy as np

from app.search.ordering.ranking import Ranking
from app.search.paging.lookalikes import LookAlikes, VectorsOf
from indexer.vector_index.clip_table import ClipColumns
from model.calibration.likeness import USUAL_COPY_COSINE

MARGIN = 0.75
"""In spreads. Of the 38 test clips, asked for by their own captions, nine of ten copies score so close to
each other, nine of ten neighbours that look alike, two of three that do not, and by chance one pair of 7."""

WINDOW = 256
"""Places behind a leader that are looked at. Copies of one film rank side by side, as they score alike: were
scores spread normally, the margin of the twenty best of 100,000 clips would end here."""

TOUCHING_S = 0.05
"""Clips part at shot changes, to the frame; this is a frame and a little."""

Places = list[int]
"""Indices into the ranking."""


@dataclass(frozen=True)
class Rule:
    """What is gathered."""

    merge: bool
    collapse: bool
    margin: float
    """Of scores."""
    copy_cosine: float = USUAL_COPY_COSINE
    """From which on a clip looks like another."""


@dataclass(frozen=True)
class Gathering:
    """One moment, as places in the ranking."""

    leader: int
    merged: Places
    """In time order, the leader too."""
    similar: list[Places]
    """Moments like it, the best first; in each the best clip first."""

    def places(self) -> Places:
        """Return every clip of it."""
        return self.merged + [place for moment in self.similar for place in moment]


class Gatherer:
    """Gathers one ranking's clips."""

    def __init__(self, ranking: Ranking, clips: ClipColumns, vectors_of: VectorsOf, rule: Rule) -> None:
        """Take a ranking, its clips' columns in the same order, and a way to their vectors."""
        self._ranking, self._clips, self._rule = ranking, clips, rule
        self._scores: list[float] = ranking.scores.tolist()
        self._is_free = [True] * len(ranking)
        self._look_alikes = LookAlikes(ranking.ids, vectors_of, rule.copy_cosine)

    def gather(self, count: int) -> tuple[list[Gathering], bool] | None:
        """Return the first ``count`` moments and whether more follow.

        None when the ranking is not known deep enough to tell.
        """
        found: list[Gathering] = []
        for leader in range(len(self._ranking)):
            if not self._is_free[leader]:
                continue
            if len(found) == count:
                return found, True
            if not self._is_settled(leader):
                return None
            found.append(self._take(leader))
        return (found, False) if self._ranking.is_whole else None

    def _is_settled(self, leader: int) -> bool:
        """Return whether all that may join lies in the ranking as deep as it is known."""
        ranking = self._ranking
        if ranking.is_whole or leader + WINDOW < len(ranking):
            return True
        return ranking.is_by_score and self._scores[-1] < self._scores[leader] - self._rule.margin

    def _take(self, leader: int) -> Gathering:
        near = self._near(leader)
        merged, similar = [leader], []
        self._hold(merged)
        if self._rule.merge:
            merged = self._touching(leader, self._of_same_video(leader, near))
            self._hold(merged)
        if self._rule.collapse and near:
            alike = self._alike(leader, merged, near)
            self._hold(alike)
            similar = self._runs(alike)
        return Gathering(leader, merged, similar)

    def _hold(self, places: Places) -> None:
        for place in places:
            self._is_free[place] = False

    def _near(self, leader: int) -> range:
        """Return the places behind ``leader`` of which those of a score close to its own may join it."""
        end = min(leader + 1 + WINDOW, len(self._ranking))
        if self._ranking.is_by_score:
            least = self._scores[leader] - self._rule.margin
            end = bisect_right(self._scores, -least, leader + 1, end, key=neg)
        return range(leader + 1, end)

    def _may_join(self, leader: int, place: int) -> bool:
        scores = self._scores
        return self._is_free[place] and abs(scores[place] - scores[leader]) <= self._rule.margin

    def _of_same_video(self, leader: int, near: range) -> Places:
        video = self._clips.video
        is_same = video[near.start : near.stop] == video[leader]
        return [near[one] for one in np.flatnonzero(is_same).tolist() if self._may_join(leader, near[one])]

    def _touching(self, leader: int, places: Places) -> Places:
        """Return ``leader`` and those that touch it or one another, in time order."""
        clips = self._clips
        run = [leader]
        by_start = sorted(places, key=lambda place: clips.start_s[place])
        for place in by_start:
            if clips.start_s[place] >= clips.start_s[leader] and self._touch(run[-1], place):
                run.append(place)
        for place in reversed(by_start):
            if clips.start_s[place] < clips.start_s[leader] and self._touch(place, run[0]):
                run.insert(0, place)
        return run

    def _touch(self, earlier: int, later: int) -> bool:
        return bool(abs(self._clips.end_s[earlier] - self._clips.start_s[later]) <= TOUCHING_S)

    def _alike(self, leader: int, merged: Places, near: range) -> Places:
        """Return the near ones of other videos that look nearly the same as a clip of the moment."""
        video, look_alikes = self._clips.video, self._look_alikes
        alike: set[int] = set()
        for place, other in look_alikes.among(merged, near):
            # Of a long still shot each clip looks like each of its copy: one that counts need not be asked.
            is_asked = other not in alike and self._may_join(leader, other) and video[other] != video[leader]
            if is_asked and look_alikes.are_copies(place, other):
                alike.add(other)
        return sorted(alike)

    def _runs(self, places: Places) -> list[Places]:
        """Return places as moments: touching clips of one video together."""
        clips = self._clips
        runs: list[Places] = []
        for place in sorted(places, key=lambda one: (clips.video[one], clips.start_s[one])):
            is_next = runs and clips.video[runs[-1][-1]] == clips.video[place]
            if is_next and self._rule.merge and self._touch(runs[-1][-1], place):
                runs[-1].append(place)
            else:
                runs.append([place])
        return sorted(sorted(run) for run in runs)
