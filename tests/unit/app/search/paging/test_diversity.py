"""Maximal marginal relevance."""

import numpy as np

from app.search.paging.diversity import most_different

VECTORS = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
STRENGTHS = np.array([1.0, 0.9, 0.5, 0.4])
NONE = np.empty((0, 3), np.float32)


def test_without_diversity_the_best_come_first() -> None:
    assert most_different(VECTORS, STRENGTHS, NONE, 0.0, 4) == [0, 1, 2, 3]


def test_what_looks_like_one_before_waits() -> None:
    assert most_different(VECTORS, STRENGTHS, NONE, 0.7, 3) == [0, 2, 3]


def test_what_was_shown_on_the_page_before_counts_too() -> None:
    assert most_different(VECTORS, STRENGTHS, VECTORS[:1], 1.0, 1) == [2]
