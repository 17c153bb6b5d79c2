"""How far reduced vectors are from unreduced ones, and whether they rank alike (MODEL-SPEC §3).

Scores (Q, V) are of Q queries and V candidates, once unreduced and once reduced. Ties neither help nor harm:
candidates that tie share their places, as in ``retrieval_metrics``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.evaluation.retrieval_metrics import rank

Vectors = NDArray[np.float32]
Scores = NDArray[np.floating]
ScoresOfBoth = tuple[Scores, Scores]


@dataclass(frozen=True)
class CosineDrift:
    """Cosines between the two vectors of each clip or segment: 1 where reduction changed nothing."""

    mean: float
    fifth_percentile: float
    """One in twenty has a lower cosine."""
    least: float


@dataclass(frozen=True)
class RankAgreement:
    """Means over queries: 1 where both rank alike."""

    overlap: float
    """Share of the first k of one ranking that is also among the first k of the other; k/V by chance."""
    rank_correlation: float
    """Spearman's, of the candidates that are among the first k of either."""


def measure_drift(unreduced: Vectors, reduced: Vectors) -> CosineDrift:
    """Return the drift between unit vectors (…, D) of the same clips; raises ValueError if there are none."""
    if unreduced.shape != reduced.shape or not unreduced.size:
        raise ValueError(f"vectors of the shapes {unreduced.shape} and {reduced.shape}: pass the same clips")
    cosines = (unreduced.astype(np.float64) * reduced).sum(-1)
    return CosineDrift(float(cosines.mean()), float(np.percentile(cosines, 5)), float(cosines.min()))


def agreement_of_queries(unreduced: Vectors, reduced: Vectors, words: Vectors, k: int) -> RankAgreement:
    """Return how alike the word vectors (Q, D) rank both kinds of clip vectors (V, D)."""
    return _mean_agreement(((unreduced @ word, reduced @ word) for word in words), k)


def agreement_of_neighbours(unreduced: Vectors, reduced: Vectors, k: int) -> RankAgreement:
    """Return how alike each clip ranks all others, by both kinds of clip vectors (V, D)."""

    def scores_of_others(vectors: Vectors, clip: int) -> Scores:
        return np.delete(vectors @ vectors[clip], clip)

    clips = range(len(unreduced))
    return _mean_agreement(
        ((scores_of_others(unreduced, clip), scores_of_others(reduced, clip)) for clip in clips), k
    )


def overlap_at(unreduced: Scores, reduced: Scores, k: int) -> float:
    """Return the share of the first k that two rankings of scores (V,) have in common."""
    return float(np.minimum(_membership(unreduced, k), _membership(reduced, k)).sum() / k)


def rank_correlation_at(unreduced: Scores, reduced: Scores, k: int) -> float:
    """Return Spearman's correlation of two rankings of scores (V,), of those among the first k of either.

    Where one ranking ties all of them it is 0, and where both do it is 1.
    """
    shown = (_membership(unreduced, k) > 0) | (_membership(reduced, k) > 0)
    first, second = (_ranks(scores[shown]) for scores in (unreduced, reduced))
    spread = np.sqrt((first**2).sum() * (second**2).sum())
    if spread == 0:
        return float((first == second).all())
    return float((first * second).sum() / spread)


def _mean_agreement(scores: Iterator[ScoresOfBoth], k: int) -> RankAgreement:
    both = [(overlap_at(*pair, k), rank_correlation_at(*pair, k)) for pair in scores]
    if not both:
        raise ValueError("there are no queries to rank by: pass at least one")
    overlap, correlation = np.mean(both, axis=0)
    return RankAgreement(float(overlap), float(correlation))


def _membership(scores: Scores, k: int) -> NDArray[np.float64]:
    """Return how likely each candidate (V,) is among the first k when ties are broken by lot."""
    if not 1 <= k <= len(scores):
        raise ValueError(f"k={k}: must be 1 to {len(scores)}, the number of candidates")
    last = np.partition(scores, -k)[-k]
    higher, tied = scores > last, scores == last
    membership: NDArray[np.float64] = higher + tied * ((k - higher.sum()) / tied.sum())
    return membership


def _ranks(scores: Scores) -> NDArray[np.float64]:
    """Return the expected rank of each candidate (V,), less their mean."""
    rows = np.broadcast_to(scores, (len(scores), len(scores)))
    ranks = rank(rows, np.arange(len(scores)))
    centred: NDArray[np.float64] = ranks - ranks.mean()
    return centred
