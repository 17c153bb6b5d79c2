"""Clips in the order in which they answer a search, as deep as is asked for."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from app.search.ordering.fusion import FUSED_RANKS, fuse
from app.search.ordering.spoken import SpokenClips
from indexer.vector_index.view import IndexView, Scored

ROUNDING = 1e-6
"""By how much the scores that an index orders by may differ from the exact ones."""


@dataclass(frozen=True)
class Ranking:
    """Clips, best first: arrays (N,) side by side."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    """Cosines with what is looked for; 0 where nothing is but words said."""
    strengths: NDArray[np.float64]
    """What the order goes by; falls."""
    nearest: int
    """So many of the clips are the nearest there are: no other clip lies between their scores."""
    is_whole: bool
    """Whether no clip follows."""
    is_by_score: bool
    """Whether the order is that of the scores, and of ids where they are equal."""

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> "Ranking":
        """Return the clips ``kept`` (a mask, or places in rising order); ``nearest`` does not hold then."""
        return replace(self, ids=self.ids[kept], scores=self.scores[kept], strengths=self.strengths[kept])

    def by_score(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return ids and scores of the nearest clips, by falling score and then by id."""
        if self.is_by_score:
            return self.ids[: self.nearest], self.scores[: self.nearest]
        order = np.lexsort((self.ids, -self.scores))[: self.nearest]
        return self.ids[order], self.scores[order]


@dataclass(frozen=True)
class Bounds:
    """Which clips may be found."""

    allowed_ids: NDArray[np.int64] | None = None
    """Sorted; all when None."""
    until_id: int | None = None
    """The newest clip of the first page's library."""
    barred_ids: NDArray[np.int64] | None = None
    """The examples themselves."""
    min_score: float = -2.0
    """Below any cosine."""
    min_unsaid_score: float = -2.0
    """Least score of a clip in which the words are not said."""

    @property
    def floor(self) -> float:
        """Return the score below which nothing is found by sight."""
        return max(self.min_score, self.min_unsaid_score)


class ReadVectors:
    """The vectors that the last look into the index has read, so that nobody reads them once more."""

    def __init__(self) -> None:
        """Begin with none."""
        self._last: Scored | None = None

    def keep(self, found: Scored) -> None:
        """Remember these in the place of others."""
        self._last = found

    def vectors(self, view: IndexView, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the unit vectors (N, D) of ids (N,)."""
        if self._last is not None and len(self._last.read_ids):
            read_ids = self._last.read_ids
            places = np.minimum(np.searchsorted(read_ids, ids), len(read_ids) - 1)
            if np.array_equal(read_ids[places], ids):
                return self._last.vectors[places]
        return view.vectors(ids)


@dataclass(frozen=True)
class Ranker:
    """Ranks one search's clips."""

    view: IndexView
    vector: NDArray[np.float32] | None  # (D,) unit; None: by words said alone
    bounds: Bounds
    spoken: SpokenClips
    _read: ReadVectors = field(default_factory=ReadVectors)

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the unit vectors (N, D) of ids (N,), those of the last ranking as read for it."""
        return self._read.vectors(self.view, ids)

    def best(self, depth: int) -> Ranking:
        """Return about ``depth`` clips, fewer when there are no more."""
        if self.vector is None:
            return self._kept(_said_alone(self.spoken.ids))
        if not len(self.spoken.ids):
            return self._kept(self._nearest(self.vector, depth))
        seen = self._nearest(self.vector, max(depth, 2 * FUSED_RANKS), least=FUSED_RANKS)
        return self._kept(self._fused(self.vector, seen))

    def of_video(self, code: int) -> Ranking:
        """Return the clips of one video, the best by sight first, those in which the words are said ahead."""
        ids = self.view.ids_of_codes(np.array([code]))
        if self.bounds.until_id is not None:
            ids = ids[ids <= self.bounds.until_id]
        if self.vector is None:
            return self._kept(_said_alone(self.spoken.ids[np.isin(self.spoken.ids, ids)]))
        scores = self._scores(self.vector, ids)
        is_said = np.isin(ids, self.spoken.ids)
        order = np.lexsort((ids, -scores, ~is_said))
        ids, scores = ids[order], scores[order]
        strengths = scores.astype(np.float64)
        return self._kept(Ranking(ids, scores, strengths, 0, is_whole=True, is_by_score=not is_said.any()))

    def _nearest(self, vector: NDArray[np.float32], depth: int, least: int = 1) -> Ranking:
        """Return the nearest clips, ``least`` if there are so many.

        When more follow, without those that tie with the last: which of these the index gave is chance.
        """
        while True:
            found = self.view.best(vector, depth, self.bounds.allowed_ids, self.bounds.until_id)
            self._read.keep(found)
            ids, scores = found.ids, found.scores
            is_whole = len(ids) < depth or bool(scores[-1] < self.bounds.floor)
            if not is_whole:
                is_surely = scores > scores[-1] + ROUNDING
                ids, scores = ids[is_surely], scores[is_surely]
            if is_whole or len(ids) >= least:
                strengths = scores.astype(np.float64)
                return Ranking(ids, scores, strengths, len(ids), is_whole, is_by_score=True)
            depth *= 2

    def _fused(self, vector: NDArray[np.float32], seen: Ranking) -> Ranking:
        ids, strengths = fuse(seen.ids, self.spoken.ids)
        return Ranking(ids, self._scores(vector, ids), strengths, len(seen), seen.is_whole, is_by_score=False)

    def _scores(self, vector: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.view.scores(ids, vector)

    def _kept(self, ranking: Ranking) -> Ranking:
        """Return what may be found of ``ranking``."""
        kept = np.ones(len(ranking), np.bool_)
        bounds = self.bounds
        if bounds.barred_ids is not None:
            kept &= ~np.isin(ranking.ids, bounds.barred_ids)
        if self.vector is not None and bounds.floor > -1:
            kept &= ranking.scores >= bounds.min_score
            kept &= (ranking.scores >= bounds.min_unsaid_score) | np.isin(ranking.ids, self.spoken.ids)
        if kept.all():
            return ranking
        by_score = np.lexsort((ranking.ids, -ranking.scores))
        return replace(ranking.only(kept), nearest=int(kept[by_score[: ranking.nearest]].sum()))


def _said_alone(ids: NDArray[np.int64]) -> Ranking:
    scores = np.zeros(len(ids), np.float32)
    strengths = 1 / np.arange(1.0, len(ids) + 1)
    return Ranking(ids, scores, strengths, 0, is_whole=True, is_by_score=False)
