"""Clips tile the video, within their bounds, at the cuts."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.clip_segmentation import ClipBounds, ShotDetector
from indexer.clip_times import ROUNDING_S, Span, sample_times

RED, BLUE = (200, 30, 30), (30, 30, 200)


def spans_of(decided: list[tuple[float, bool]], end_s: float) -> list[Span]:
    bounds = ClipBounds(min_clip_s=2.0, max_clip_s=10.0)
    spans = [span for time_s, is_cut in decided for span in bounds.add(time_s, is_cut)]
    return spans + bounds.finish(end_s)


def spans_with_cuts(cuts_s: list[float], end_s: float) -> list[tuple[float, float]]:
    pictures = [(index / 6, False) for index in range(int(end_s * 6))] + [(cut_s, True) for cut_s in cuts_s]
    return [(round(s.start_s, 6), round(s.end_s, 6)) for s in spans_of(sorted(pictures), end_s)]


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[tuple[float, bool]], float]:
    steps = draw(st.lists(st.tuples(st.floats(0.0, 30.0), st.booleans()), max_size=60))
    decided, time_s = [(0.0, False)], 0.0
    for step_s, is_cut in steps:
        time_s += step_s
        decided.append((time_s, is_cut))
    return decided, time_s + draw(st.floats(0.001, 30.0))


@given(streams())
def test_clips_tile_the_video_without_gap_or_overlap(stream: tuple[list[tuple[float, bool]], float]) -> None:
    decided, end_s = stream
    spans = spans_of(decided, end_s)
    assert spans[0].start_s == 0.0
    assert spans[-1].end_s == end_s
    assert all(before.end_s == after.start_s for before, after in pairwise(spans))


@given(streams())
def test_clips_keep_their_bounds_unless_the_whole_video_is_shorter(
    stream: tuple[list[tuple[float, bool]], float],
) -> None:
    decided, end_s = stream
    spans = spans_of(decided, end_s)
    lengths_s = [span.end_s - span.start_s for span in spans]
    assert max(lengths_s) <= 10.0 + 2 * ROUNDING_S
    assert min(lengths_s) >= min(2.0, end_s) - 2 * ROUNDING_S


@given(streams())
def test_a_clip_is_certain_at_the_latest_twelve_seconds_after_its_start(
    stream: tuple[list[tuple[float, bool]], float],
) -> None:
    decided, _ = stream
    bounds, certain_until_s = ClipBounds(2.0, 10.0), 0.0
    for time_s, is_cut in decided:
        for span in bounds.add(time_s, is_cut):
            certain_until_s = span.end_s
        assert time_s - certain_until_s <= 12.0 + ROUNDING_S


def test_clips_end_at_cuts() -> None:
    assert spans_with_cuts([3.0, 7.5], 12.0) == [(0, 3.0), (3.0, 7.5), (7.5, 12.0)]


def test_a_long_shot_is_cut_every_ten_seconds() -> None:
    assert spans_with_cuts([], 25.0) == [(0, 10.0), (10.0, 20.0), (20.0, 25.0)]


def test_a_shot_a_little_longer_than_a_clip_is_halved() -> None:
    assert spans_with_cuts([], 11.0) == [(0, 5.5), (5.5, 11.0)]
    assert spans_with_cuts([11.0], 15.0) == [(0, 5.5), (5.5, 11.0), (11.0, 15.0)]


def test_a_short_tail_after_a_cut_is_merged_back() -> None:
    assert spans_with_cuts([5.0], 6.5) == [(0, 6.5)]
    assert spans_with_cuts([9.5], 11.0) == [(0, 5.5), (5.5, 11.0)]


def test_shots_that_are_too_short_are_joined() -> None:
    assert spans_with_cuts([0.5, 1.0, 1.5, 2.0, 2.5, 3.0], 6.0) == [(0, 2.0), (2.0, 6.0)]


def test_a_whole_video_shorter_than_a_clip_is_one_clip() -> None:
    assert spans_with_cuts([], 0.5) == [(0, 0.5)]


def test_bounds_that_leave_remainders_are_refused() -> None:
    with pytest.raises(ValueError, match=r"min_clip_s=6.*twice"):
        ClipBounds(min_clip_s=6.0, max_clip_s=10.0)


def cuts_found(pictures: Sequence[tuple[float, Sequence[int] | NDArray[np.uint8]]]) -> list[float]:
    detector = ShotDetector()
    decided = []
    for time_s, picture in pictures:
        decided += detector.add(time_s, np.broadcast_to(np.asarray(picture, np.uint8), (64, 64, 3)))
    decided += detector.finish()
    assert [time_s for time_s, _ in decided] == sorted(time_s for time_s, _ in decided)
    return [time_s for time_s, is_cut in decided if is_cut]


def test_a_hard_cut_is_found_where_the_new_scene_is_first_shown() -> None:
    pictures = [(index / 6, RED if index < 18 else BLUE) for index in range(36)]
    assert cuts_found(pictures) == [3.0]


def test_restless_movement_is_no_cut() -> None:
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 255, (36, 64, 64, 3), dtype=np.uint8)
    assert cuts_found([(index / 6, picture) for index, picture in enumerate(noise)]) == []


def test_slides_that_stand_for_seconds_are_cut_where_they_change() -> None:
    colours = [RED, BLUE, (30, 160, 30), RED, BLUE]
    slides = [(5.0 * index, colour) for index, colour in enumerate(colours)]
    assert cuts_found([*slides, (25.0, BLUE)]) == [5.0, 10.0, 15.0, 20.0]


@given(st.floats(0, 1e5), st.floats(0.01, 10.0), st.integers(1, 64))
def test_sampled_times_are_sorted_inside_the_clip_and_of_the_asked_count(
    start_s: float, length_s: float, count: int
) -> None:
    times = sample_times(Span(start_s, start_s + length_s), count)
    assert len(times) == count
    assert times == sorted(times)
    assert start_s <= times[0]
    assert times[-1] <= start_s + length_s


def test_sampled_times_are_the_middles_of_equal_parts() -> None:
    assert sample_times(Span(10.0, 14.0), 4) == [10.5, 11.5, 12.5, 13.5]
