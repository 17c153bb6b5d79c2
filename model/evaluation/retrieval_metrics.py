"""Ranks and recall of retrieval, by counting instead of sorting (MODEL-SPEC §6.1).

A query's rank is 1 + the number of candidates that score higher + half the number that tie with the truth,
so that a tie neither helps nor harms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RetrievalMetrics:
    """Recall in per cent and ranks counted from 1."""

    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    median_rank: float
    mean_rank: float
    queries: int

    @property
    def recall_sum(self) -> float:
        """The papers' R-Sum: R@1 + R@5 + R@10."""
        return self.recall_at_1 + self.recall_at_5 + self.recall_at_10


def expected_ranks(scores: NDArray[np.floating], truth: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the rank (Q,) of candidate ``truth[q]`` in each row q of ``scores`` (Q, V).

    Raises ValueError for a score that is not finite.
    """
    if not np.isfinite(scores).all():
        row, column = np.argwhere(~np.isfinite(scores))[0]
        raise ValueError(
            f"score of query {row} and candidate {column} is {scores[row, column]}, not a finite number"
        )
    own = np.take_along_axis(scores, truth[:, None], axis=1)
    higher = (scores > own).sum(1)
    tied = (scores == own).sum(1) - 1
    ranks: NDArray[np.float64] = 1.0 + higher + tied / 2
    return ranks


def summarise(ranks: NDArray[np.float64]) -> RetrievalMetrics:
    """Return recall and mean and median rank of ranks (Q,); raises ValueError when there are none."""
    if not len(ranks):
        raise ValueError("there are no queries to summarise")
    at_1, at_5, at_10 = (float((ranks <= depth).mean() * 100) for depth in (1, 5, 10))
    return RetrievalMetrics(at_1, at_5, at_10, float(np.median(ranks)), float(ranks.mean()), len(ranks))
