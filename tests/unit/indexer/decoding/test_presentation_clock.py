"""Presentation times become seconds that start at 0 and never run backwards."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.decoding.presentation_clock import MAX_STILL_S, PresentationClock

MS = Fraction(1, 1000)


def times_of(pts: list[int | None], duration: int | None = 100) -> list[float]:
    clock = PresentationClock(MS, frame_rate=10.0)
    return [round(clock.time_s(tick, duration), 3) for tick in pts]


def test_the_first_shown_frame_is_second_zero() -> None:
    assert times_of([5001400, 5001500, 5001800]) == [0.0, 0.1, 0.4]


def test_frames_without_a_time_follow_each_other_at_the_frame_rate() -> None:
    assert times_of([None, None, None], duration=None) == [0.0, 0.1, 0.2]


def test_a_time_after_frames_without_one_continues_the_clock() -> None:
    assert times_of([None, None, 7000, 7100]) == [0.0, 0.1, 0.2, 0.3]


def test_a_frame_ordered_a_little_late_is_shown_with_the_one_before() -> None:
    assert times_of([0, 200, 100, 300]) == [0.0, 0.2, 0.2, 0.3]


def test_a_stream_that_starts_again_is_carried_on() -> None:
    assert times_of([9000, 9100, 0, 100]) == [0.0, 0.1, 0.2, 0.3]


def test_a_leap_of_years_is_damage() -> None:
    assert times_of([0, 100, 10**12, 10**12 + 100]) == [0.0, 0.1, 0.2, 0.3]


def test_a_still_of_minutes_is_kept() -> None:
    assert times_of([0, 600_000]) == [0.0, 600.0]


def test_the_end_is_where_the_last_frame_ceases_to_be_shown() -> None:
    clock = PresentationClock(MS, frame_rate=10.0)
    clock.time_s(0, 100)
    clock.time_s(100, 2500)
    assert clock.end_s == 2.6


def clock_with_sound(sound_s: float) -> PresentationClock:
    return PresentationClock(MS, frame_rate=10.0, first_sound_s=sound_s)


def test_the_first_picture_stands_while_only_sound_is_heard() -> None:
    clock = clock_with_sound(5.0)
    assert clock.time_s(6000, 100) == 0.0
    assert clock.end_s == pytest.approx(1.1)
    assert clock.time_s(6100, 100) == pytest.approx(1.1)
    assert clock.shown_at_s(7.0) == pytest.approx(2.0)


@pytest.mark.parametrize("sound_s", [5.95, 6.5, 6000.0, -100.0])
def test_a_run_up_of_sound_later_sound_and_damage_do_not_move_the_beginning(sound_s: float) -> None:
    clock = clock_with_sound(sound_s)
    assert [clock.time_s(6000, 100), clock.time_s(6100, 100)] == pytest.approx([0.0, 0.1])


def test_going_on_at_a_place_counts_from_the_same_beginning() -> None:
    clock = clock_with_sound(5.0)
    clock.resume(first_stamp=6000, at_stamp=9000)
    assert clock.time_s(9000, 100) == pytest.approx(4.0)


def test_an_absurd_frame_rate_is_ignored() -> None:
    clock = PresentationClock(None, frame_rate=90000.0)
    clock.time_s(None, None)
    assert clock.end_s == 0.04


@given(st.lists(st.one_of(st.none(), st.integers(-(2**62), 2**62)), min_size=1, max_size=50))
def test_time_never_runs_backwards_and_never_leaps(pts: list[int | None]) -> None:
    times = times_of(pts)
    assert times[0] == 0.0
    assert all(0 <= after - before <= MAX_STILL_S + 0.2 for before, after in pairwise(times))
