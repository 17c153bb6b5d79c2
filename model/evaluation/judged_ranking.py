"""How well a model puts judged clips in order: nDCG and recall of condensed lists.

Nobody judges a whole library, and a model that finds what no one has seen yet must not be punished for it. So
clips that were not judged are taken out of a ranking before it is measured: condensed lists (T. Sakai,
Alternatives to Bpref, SIGIR 2007), which are as robust as bpref and keep the graded metrics. What they do not
mend: what was judged is what some model showed, and the others are only asked to put that in order (T. Sakai
and N. Kando, On Information Retrieval Metrics Designed for Evaluation with Incomplete Relevance Assessments,
2008).

nDCG (K. Järvelin and J. Kekäläinen, 2002) has binary gains and the discount 1 / log2(1 + rank).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.evaluation.retrieval_metrics import check_finite, recall_at

DEPTH = 10

RECALL_DEPTHS = (1, 5, 10)

RESAMPLES = 2000

CONFIDENCE = 0.95


@dataclass(frozen=True)
class CondensedList:
    """How well the judged clips of one query are ordered."""

    ndcg: float
    """At DEPTH, from 0 to 1."""
    first_rank: int
    """Of the first clip that is right, from 1."""
    wrong: int
    """Clips judged wrong: with fewer than k, some clip that is right is always among the first k."""


@dataclass(frozen=True)
class JudgedMetrics:
    """Means over queries; recall in per cent."""

    queries: int
    ndcg_at_10: float
    ndcg_interval: tuple[float, float] | None
    """95 %, by bootstrap over the queries; None for a single one."""
    recall_at_1: float | None
    recall_at_5: float | None
    recall_at_10: float | None
    recall_queries: tuple[int, int, int]
    """Queries that recall at 1, 5 and 10 is counted over: those that could miss it. None without any."""


def condense(scores: NDArray[np.floating], is_relevant: NDArray[np.bool_]) -> CondensedList:
    """Return the quality of the scores (N,) of one query's judged clips; ties count against the model.

    Raises ValueError when not both kinds of clips are there, and for a score that is not finite.
    """
    right = int(is_relevant.sum())
    if scores.shape != is_relevant.shape or not 0 < right < len(is_relevant):
        raise ValueError(
            f"{right} of {len(is_relevant)} judgements with scores {scores.shape} are right: "
            "a list needs some that are right and some that are wrong"
        )
    check_finite(scores[None])
    ranks = 1 + np.flatnonzero(is_relevant[np.lexsort((is_relevant, -scores))])  # wrong before right in a tie
    ideal = np.arange(1, min(right, DEPTH) + 1)
    ndcg = _discounts(ranks[ranks <= DEPTH]).sum() / _discounts(ideal).sum()
    return CondensedList(float(ndcg), int(ranks[0]), len(is_relevant) - right)


def summarise_lists(lists: Sequence[CondensedList]) -> JudgedMetrics:
    """Return the means over ``lists``; raises ValueError when there are none."""
    if not lists:
        raise ValueError("there are no queries to summarise")
    ndcg = np.array([one.ndcg for one in lists])
    ranks = [
        np.array([one.first_rank for one in lists if one.wrong >= depth], np.float64)
        for depth in RECALL_DEPTHS
    ]
    at_1, at_5, at_10 = (
        recall_at(depth, some) if len(some) else None
        for depth, some in zip(RECALL_DEPTHS, ranks, strict=True)
    )
    of_1, of_5, of_10 = map(len, ranks)
    return JudgedMetrics(
        queries=len(lists),
        ndcg_at_10=float(ndcg.mean()),
        ndcg_interval=bootstrap_interval(ndcg) if len(ndcg) > 1 else None,
        recall_at_1=at_1,
        recall_at_5=at_5,
        recall_at_10=at_10,
        recall_queries=(of_1, of_5, of_10),
    )


def bootstrap_interval(values: NDArray[np.floating], seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the mean of values (Q,), by percentiles of resampled means (Efron, 1979).

    The same for the same values. Raises ValueError when there are none.
    """
    if not len(values):
        raise ValueError("there are no values to resample")
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _discounts(ranks: NDArray[np.integer]) -> NDArray[np.float64]:
    discounts: NDArray[np.float64] = 1 / np.log2(1.0 + ranks)
    return discounts
