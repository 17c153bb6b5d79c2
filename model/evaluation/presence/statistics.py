"""What may be said of the best hit of a search, from its scores and those of a bank of phrases.

All take cosines (Q, N) of Q searches with N clips, and the reach of phrases in these clips. They give one
number a search, higher for a surer answer.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from model.calibration.reach import Reach

Scores = NDArray[np.float32]
Values = NDArray[np.float64]
Statistic = Callable[[Scores, Reach], Values]

RAW, REACH = "best cosine", "margin over phrases"


def best_cosine(scores: Scores, _: Reach) -> Values:
    """Return the score of the best hit."""
    best: Values = scores.max(axis=1).astype(np.float64)
    return best


def margin_over_phrases(scores: Scores, reach: Reach) -> Values:
    """Return how far it lies above what phrases in general reach: ``Reach.margin``."""
    return (best_cosine(scores, reach) - reach.mean) / reach.spread


def standard_score(scores: Scores, reach: Reach) -> Values:
    """Return how many standard deviations of the search's own scores it lies above their mean."""
    margins: Values = (best_cosine(scores, reach) - scores.mean(axis=1)) / scores.std(axis=1)
    return margins


def lead(scores: Scores, _: Reach) -> Values:
    """Return how far it lies above the second best."""
    highest = np.partition(scores, scores.shape[1] - 2, axis=1)[:, -2:].astype(np.float64)
    return highest[:, 1] - highest[:, 0]


STATISTICS: Mapping[str, Statistic] = MappingProxyType(
    {
        RAW: best_cosine,
        REACH: margin_over_phrases,
        "z-score of the search": standard_score,
        "lead over the second": lead,
    }
)


def auroc(present: NDArray[np.floating], absent: NDArray[np.floating]) -> float:
    """Return how often (%) a value of ``present`` is higher than one of ``absent``; ties count half."""
    ordered = np.sort(absent)
    below = np.searchsorted(ordered, present, side="left")
    not_above = np.searchsorted(ordered, present, side="right")
    return float((below + not_above).mean() / 2 / len(absent) * 100)
