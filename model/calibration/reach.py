"""How high search phrases in general reach in one library: the yardstick for the score of one search.

A cosine by itself says little: models differ in scale, and the best of many clips scores high by chance
alone. So a bank of P phrases is asked first. Their best scores in this very library have a mean and a spread,
and a search is measured against them::

    margin = (best score of the search − mean of the bank's best scores) / their spread

This is a query bank (QB-Norm, arXiv 2112.12777), used for the level of scores and not for their order. The
best of N scores of one distribution grows about as log N (Gumbel's law), so a sample of the library will do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PHRASES_AT_ONCE = 256
"""Rows of scores held in memory, so that a large sample needs little."""

SMALLEST_SPREAD = 1e-4
"""Of best scores; below it all clips are alike, and margins would be rounding errors."""


@dataclass(frozen=True)
class Reach:
    """What the phrases of a bank score best with, in one library."""

    mean: float
    spread: float
    """Standard deviation over the phrases."""
    clips: int
    """In the whole library."""

    def margin(self, score: float) -> float:
        """Return how many spreads a cosine lies above what phrases in general reach."""
        return (score - self.mean) / self.spread


def measure_reach(
    bank: NDArray[np.float32], sample: NDArray[np.float32], clips: int | None = None
) -> Reach | None:
    """Return the reach of phrases (P, D) in a library of which ``sample`` (N, D) is known; both unit vectors.

    ``clips`` is how many there are in all (as many as in the sample if None). None is returned for fewer than
    two clips or phrases, and for clips that are all alike.
    """
    total = len(sample) if clips is None else clips
    if len(sample) < 2 or len(bank) < 2:
        return None
    evens, odds = _best(bank, sample[::2]), _best(bank, sample[1::2])
    best = np.maximum(evens, odds)
    spread = float(best.std())
    if spread < SMALLEST_SPREAD:
        return None
    growth = float(best.mean() - (evens.mean() + odds.mean()) / 2) / np.log(2)
    beyond = growth * np.log(max(1.0, total / len(sample)))
    return Reach(float(best.mean() + beyond), spread, total)


def _best(bank: NDArray[np.float32], clips: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the best score (P,) of each phrase among ``clips`` (N, D)."""
    starts = range(0, len(bank), PHRASES_AT_ONCE)
    best: NDArray[np.float32] = np.concatenate(
        [(bank[start : start + PHRASES_AT_ONCE] @ clips.T).max(axis=1) for start in starts]
    )
    return best
