"""The most different first: maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998).

::

    next = argmax (1 − d) · relevance(clip) − d · max cosine(clip, one of the last shown)

Relevance is the strength within the pool, from 1 for its best to 0 for its worst. The pool is the best
hundred that are left and the last shown are twenty, wherever pages are cut, so pages add up to one long one.
"""

import numpy as np
from numpy.typing import NDArray

POOL = 100

REMEMBERED = 20
"""Shown last, that the next one should not look like."""

GAIN_DECIMALS = 5
"""Equal vectors must gain alike: their products differ a little from place to place in a matrix."""


def most_different(
    vectors: NDArray[np.float32],
    strengths: NDArray[np.float64],
    shown: NDArray[np.float32],
    diversity: float,
    count: int,
) -> list[int]:
    """Return at most ``count`` places of N candidates, in their new order.

    ``vectors`` (N, D) and ``strengths`` (N,) are of the candidates, best first; ``shown`` (M, D) are vectors
    of the last ones shown before. ``diversity`` is d, 0 to 1.
    """
    left = list(range(len(vectors)))
    recent = list(shown[-REMEMBERED:])
    chosen: list[int] = []
    while left and len(chosen) < count:
        pool = left[:POOL]
        relevance = _from_one_to_zero(strengths[pool])
        likeness = (vectors[pool] @ np.stack(recent).T).max(axis=1) if recent else np.zeros(len(pool))
        gains = np.round((1 - diversity) * relevance - diversity * likeness, GAIN_DECIMALS)
        best = pool[int(np.argmax(gains))]
        left.remove(best)
        chosen.append(best)
        recent = [*recent, vectors[best]][-REMEMBERED:]
    return chosen


def _from_one_to_zero(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the strengths (N,), which fall, as shares of their range."""
    span = strengths[0] - strengths[-1]
    return (strengths - strengths[-1]) / span if span > 0 else np.ones(len(strengths))
