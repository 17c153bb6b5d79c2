"""Whether a faster tower finds what the float32 tower finds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOP = 10
"""Hits that people look at."""

MAX_RECALL_LOST = 0.01
"""Sentences in a hundred whose scene the float32 tower shows among the first ten, and the other does not."""

MIN_OVERLAP = 0.95
"""Of the float32 tower's own first ten. Here int8 had 0.976 to 0.995, and int4 0.80 to 0.94."""

MIN_COSINE = 0.99
"""Of the worst sentence with its float32 vector: one sentence gone wrong must not hide in a mean."""


@dataclass(frozen=True)
class Agreement:
    """How alike two towers rank."""

    recall: float
    """Share of the sentences whose scene, told in other words, is among the first ten."""
    reference_recall: float
    """That of the float32 tower."""
    overlap: float
    """Share of the float32 tower's first ten that are among the other's."""
    cosine: float
    """Of the sentence whose vectors differ most."""

    @property
    def is_enough(self) -> bool:
        """Whether the faster tower may serve; figures that are no numbers are not enough."""
        is_found = self.recall >= self.reference_recall - MAX_RECALL_LOST
        return is_found and self.overlap >= MIN_OVERLAP and self.cosine >= MIN_COSINE

    def __str__(self) -> str:
        """Return the figures in words."""
        return (
            f"recall@{TOP} {self.recall:.4f} (float32 {self.reference_recall:.4f}), "
            f"{self.overlap:.4f} of its first {TOP}, cosine {self.cosine:.5f} at least"
        )


def compare(
    reference: NDArray[np.float32], candidate: NDArray[np.float32], gallery: NDArray[np.float32]
) -> Agreement:
    """Return how alike two towers rank ``gallery`` (Q, D), whose row i is what sentence i should find.

    ``reference`` and ``candidate`` are unit vectors (Q, D) of the same sentences; all are unit.
    """
    expected, found = reference @ gallery.T, candidate @ gallery.T
    first, other = (np.argsort(-scores, 1, kind="stable")[:, :TOP] for scores in (expected, found))
    shared = [len(np.intersect1d(one, two)) for one, two in zip(first, other, strict=True)]
    return Agreement(
        recall=_recall(found),
        reference_recall=_recall(expected),
        overlap=float(np.mean(shared)) / min(TOP, len(gallery)),
        cosine=float((reference * candidate).sum(1).min()),
    )


def _recall(scores: NDArray[np.float32]) -> float:
    own = scores.diagonal()[:, None]
    return float(((scores > own).sum(1) < TOP).mean())
