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

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.search.ordering.ranking import Ranking
from indexer.catalog import vector_codec
from indexer.vector_index.clip_table import ClipColumns
from model.calibration.likeness import USUAL_COPY_COSINE

MARGIN = 0.75
"""In spreads. Of the 38 test clips, asked for by their own captions, nine of ten copies score so close to
each other, nine of ten neighbours that look alike, two of three that do not, and by chance one pair of 7."""

WINDOW = 512
"""Places behind a leader that are looked at. Copies of one film rank side by side, as they score alike."""

TOUCHING_S = 0.05
"""Clips part at shot changes, to the frame; this is a frame and a little."""

HEAD = 4
"""Of a vector the first of so many parts tells cheaply that two clips cannot be copies: of 1.4 million pairs
in the library of ``app.benchmark.latency`` 584 were left to be compared whole."""

HEAD_ROUNDING = 1e-5
"""By how much a cosine may come out above its bound."""

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

    def __init__(
        self,
        ranking: Ranking,
        clips: ClipColumns,
        vectors: Callable[[NDArray[np.int64]], NDArray[np.float32]],
        rule: Rule,
    ) -> None:
        """Take a ranking, its clips' columns in the same order, and a way to their vectors (N, D)."""
        self._ranking, self._clips, self._vectors_of, self._rule = ranking, clips, vectors, rule
        self._is_free = np.ones(len(ranking), np.bool_)
        self._vectors = self._heads = np.empty((0, 0), np.float32)
        self._rests = np.empty(0, np.float32)

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
        return ranking.is_by_score and bool(
            ranking.scores[-1] < ranking.scores[leader] - np.float32(self._rule.margin)
        )

    def _take(self, leader: int) -> Gathering:
        self._is_free[leader] = False
        if not (self._rule.merge or self._rule.collapse):
            return Gathering(leader, [leader], [])
        near = self._near(leader)
        is_same_video = self._clips.video[near] == self._clips.video[leader]
        merged, similar = [leader], []
        if self._rule.merge:
            merged = self._touching(leader, near[is_same_video].tolist())
            self._is_free[merged] = False
        if self._rule.collapse:
            alike = self._alike(merged, near[~is_same_video])
            self._is_free[alike] = False
            similar = self._runs(alike)
        return Gathering(leader, merged, similar)

    def _near(self, leader: int) -> NDArray[np.int64]:
        """Return the free places behind ``leader`` whose score is close to its own."""
        behind = slice(leader + 1, leader + 1 + WINDOW)
        scores, own = self._ranking.scores[behind], self._ranking.scores[leader]
        is_near = self._is_free[behind] & (np.abs(scores - own) <= np.float32(self._rule.margin))
        return np.flatnonzero(is_near) + leader + 1

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

    def _alike(self, merged: Places, others: NDArray[np.int64]) -> Places:
        """Return which of ``others`` look nearly the same as a clip of the moment."""
        if not len(others):
            return []
        self._read_up_to(max(int(others[-1]), *merged))
        others = self._possible(merged, others)
        if not len(others):
            return []
        own = self._vectors[merged]
        highest = vector_codec.cosines(self._vectors[others], own[:, None]).max(axis=0)
        alike: Places = others[highest >= self._rule.copy_cosine].tolist()
        return alike

    def _possible(self, merged: Places, others: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return ``others`` without those that cannot look alike, at a part of the work of telling how much.

        By Cauchy and Schwarz a cosine is at most that of the heads and the product of what is left of both.
        """
        last = int(others[-1])
        bounds = vector_codec.cosines(self._heads[: last + 1], self._heads[merged][:, None])
        bounds += self._rests[merged][:, None] * self._rests[: last + 1]
        is_possible = bounds.max(axis=0) >= self._rule.copy_cosine - HEAD_ROUNDING
        possible: NDArray[np.int64] = others[is_possible[others]]
        return possible

    def _read_up_to(self, place: int) -> None:
        """Read vectors (N, D) of at least the clips up to ``place``, in pieces, each once."""
        known = len(self._vectors)
        if place < known:
            return
        more = self._vectors_of(self._ranking.ids[known : max(place + 1, 2 * known)])
        self._vectors = np.concatenate([self._vectors, more]) if known else more
        self._heads = np.ascontiguousarray(self._vectors[:, : self._vectors.shape[1] // HEAD])
        self._rests = np.sqrt(np.maximum(0, 1 - np.vecdot(self._heads, self._heads)))

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
