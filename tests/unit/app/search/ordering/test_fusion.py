"""Reciprocal rank fusion."""

import numpy as np

from app.search.ordering.fusion import fuse


def test_without_words_said_the_order_stays() -> None:
    seen = np.array([7, 3, 9, 1])
    assert fuse(seen, np.array([], np.int64))[0].tolist() == [7, 3, 9, 1]


def test_strengths_are_sums_of_reciprocal_ranks() -> None:
    ids, strengths = fuse(np.array([7, 3, 9]), np.array([9, 4]))
    assert ids.tolist() == [9, 7, 3, 4]  # 3 and 4 are equal: the lower id first
    assert np.allclose(strengths, [1 / 63 + 1 / 61, 1 / 61, 1 / 62, 1 / 62])


def test_a_clip_far_down_counts_by_its_words_alone() -> None:
    ids, strengths = fuse(np.arange(5000), np.array([4000]))
    assert strengths[ids == 4000] == 1 / 61
    assert ids[-1] == 4999
