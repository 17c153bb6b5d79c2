"""How sure an answer is: every query measured against what the library scores with it by chance."""

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLED_CLIPS = 4096
"""Clips that stand for the whole library: a mean and a spread need no more."""


class Confidence(StrEnum):
    """How likely a hit shows what was asked for."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Library(Protocol):
    """What calibration needs to see of the index."""

    revision: int
    clip_count: int
    video_count: int

    def sample(self, count: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return ids and unit vectors (N, D) of a fixed random sample."""
        ...


class Wanted(Protocol):
    """What calibration needs to know of a search's target."""

    @property
    def vector(self) -> NDArray[np.float32]:
        """The unit vector (D,)."""
        ...

    @property
    def is_words(self) -> bool:
        """Whether it is one description and nothing else."""
        ...


@dataclass(frozen=True)
class QueryLevel:
    """Where one query's scores lie in one library."""

    ranking_vector: NDArray[np.float32]
    """What the index is asked with, (D,) unit."""
    spread: float
    """Standard deviation of the background's ranking scores: the unit of margins."""
    mean: float = 0.0
    is_known: bool = False

    def confidence(self, ranking_score: float) -> Confidence | None:
        """Return how sure a hit of this score is; None where that cannot be told."""
        if not self.is_known:
            return None
        margin = (ranking_score - self.mean) / self.spread
        if margin >= 5:
            return Confidence.HIGH
        return Confidence.MEDIUM if margin >= 3.5 else Confidence.LOW

    def is_nothing(self, best: float | None) -> bool:
        """Return whether even the ``best`` ranking score (None: there is no hit) finds nothing."""
        return best is None or self.confidence(best) is Confidence.LOW


class Calibrator:
    """Measures queries against a library; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def calibrate(self, view: Library, target: Wanted) -> QueryLevel:
        """Return the level of ``target`` in the library that ``view`` shows."""
        _, vectors = view.sample(SAMPLED_CLIPS)
        if len(vectors) < 2:
            return QueryLevel(target.vector, 1.0)
        scores = vectors @ target.vector
        spread = max(float(scores.std()), 1e-6)
        is_known = target.is_words and view.video_count >= 20
        return QueryLevel(target.vector, spread, float(scores.mean()), is_known)
