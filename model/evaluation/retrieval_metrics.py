"""Ranks and recall of retrieval as CLIP4Clip reports them (arXiv 2104.08860; MODEL-SPEC §6.1).

A rank is counted and not sorted: 1 + the candidates that score higher + a share of those that tie with the
truth. Which share is the tie policy. Without ties all policies agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Scores: TypeAlias = NDArray[np.floating]
Ranks: TypeAlias = NDArray[np.float64]

TiePolicy: TypeAlias = Literal["expected", "optimistic", "pessimistic", "legacy"]
"""What a tie with the truth costs: half a rank for each tied candidate (the mean over all orders), nothing,
or a whole rank. ``legacy`` is the published code: a query with n tied candidates counts n + 1 times, once
for each place that the tie spans, so that ties shift the denominators as well."""

TIED_SHARE = {"expected": 0.5, "optimistic": 0.0, "pessimistic": 1.0}

CELLS_PER_CHUNK = 2**20
"""The comparisons of one chunk of rows take a byte each and stay in the processor's cache."""


@dataclass(frozen=True)
class RetrievalMetrics:
    """Recall in per cent and ranks counted from 1."""

    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    median_rank: float
    mean_rank: float
    queries: int
    """The ranks counted: under the ``legacy`` policy, tied queries are in it several times."""

    @property
    def recall_sum(self) -> float:
        """The papers' R-Sum: R@1 + R@5 + R@10."""
        return self.recall_at_1 + self.recall_at_5 + self.recall_at_10


def rank(scores: Scores, truth: NDArray[np.integer], ties: TiePolicy = "expected") -> Ranks:
    """Return the rank (Q,) of candidate ``truth[q]`` in each row q of ``scores`` (Q, V).

    Under ``legacy`` there may be more than Q ranks. Raises ValueError for a score that is not finite, and for
    a truth that is not among the candidates.
    """
    if ties != "legacy" and ties not in TIED_SHARE:
        raise ValueError(f"unknown tie policy {ties!r}: known are {', '.join([*TIED_SHARE, 'legacy'])}")
    _check_truth(scores, truth)
    check_finite(scores)
    higher = np.empty(len(scores), dtype=np.int64)
    tied = np.empty(len(scores), dtype=np.int64)
    for rows in _chunks(scores):
        own = np.take_along_axis(scores[rows], truth[rows, None], axis=1)  # (rows, 1)
        higher[rows] = np.count_nonzero(scores[rows] > own, axis=1)
        tied[rows] = np.count_nonzero(scores[rows] == own, axis=1) - 1
    if ties == "legacy":
        return _every_place(higher, tied)
    return 1.0 + higher + TIED_SHARE[ties] * tied


def summarise(ranks: Ranks, *, lower_median: bool = False) -> RetrievalMetrics:
    """Return recall and mean and median rank of ranks (Q,); raises ValueError when there are none.

    The median of an even number of ranks is the mean of the middle two, or the lower one, as in torch.
    """
    if not len(ranks):
        raise ValueError("there are no queries to summarise")
    median = np.quantile(ranks, 0.5, method="lower") if lower_median else np.median(ranks)
    at_1, at_5, at_10 = (recall_at(depth, ranks) for depth in (1, 5, 10))
    return RetrievalMetrics(at_1, at_5, at_10, float(median), float(ranks.mean()), len(ranks))


def recall_at(depth: int, ranks: Ranks) -> float:
    """Return how many per cent of ranks (Q,) are among the first ``depth``; it may exceed the candidates."""
    return float((ranks <= depth).mean() * 100)


def check_finite(scores: Scores) -> None:
    """Raise ValueError naming the first score of ``scores`` (Q, V) that is not a finite number."""
    for rows in _chunks(scores):
        finite = np.isfinite(scores[rows])
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise ValueError(
                f"score of query {rows.start + row} and candidate {column} is {scores[rows][row, column]}, "
                "not a finite number"
            )


def _check_truth(scores: Scores, truth: NDArray[np.integer]) -> None:
    if scores.ndim != 2 or truth.shape != scores.shape[:1]:
        raise ValueError(
            f"scores {scores.shape} and truth {truth.shape} do not fit: "
            "pass (queries, candidates) and one candidate a query"
        )
    outside = np.flatnonzero((truth < 0) | (truth >= scores.shape[1]))
    if len(outside):
        query = outside[0]
        raise ValueError(
            f"the truth of query {query} is candidate {truth[query]}, but scores {scores.shape} hold "
            f"{scores.shape[1]} candidates for {scores.shape[0]} queries, counted from 0"
        )


def _chunks(scores: Scores) -> Iterator[slice]:
    rows = max(1, CELLS_PER_CHUNK // max(1, scores.shape[1]))
    for start in range(0, len(scores), rows):
        yield slice(start, start + rows)


def _every_place(higher: NDArray[np.int64], tied: NDArray[np.int64]) -> Ranks:
    """Return the ranks 1 + higher … 1 + higher + tied of each query, one query after the other."""
    places = tied + 1
    first_entry = np.cumsum(places) - places
    return 1.0 + np.repeat(higher - first_entry, places) + np.arange(places.sum())
