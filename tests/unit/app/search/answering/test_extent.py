"""Where in a moment it fits."""

from app.search.answering.extent import Extent, ScoredSegment, extent_of

WIDE, NARROW = 1.0, 0.01
"""Spreads of scores."""


def segments(*scores: float) -> list[ScoredSegment]:
    return [ScoredSegment(10.0 + 2 * n, 12.0 + 2 * n, score) for n, score in enumerate(scores)]


def test_it_is_best_in_the_middle_of_the_best_segment_and_reaches_as_far_as_it_is_nearly_as_good() -> None:
    assert extent_of(10, 18, segments(0.1, 0.28, 0.3, 0.1), NARROW) == Extent(15.0, 12.0, 16.0)


def test_the_first_of_equally_good_segments_wins() -> None:
    assert extent_of(10, 16, segments(0.1, 0.3, 0.3), NARROW).best_at_s == 13.0


def test_differences_that_mean_nothing_cut_nothing_off() -> None:
    assert extent_of(10, 16, segments(0.28, 0.29, 0.3), WIDE) == Extent(15.0, 10.0, 16.0)


def test_without_segments_it_is_the_whole_moment() -> None:
    assert extent_of(10, 16, [], NARROW) == Extent(13.0, 10, 16)
