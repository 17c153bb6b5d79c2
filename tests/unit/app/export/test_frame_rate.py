"""Exact frame rates behind rounded ones."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.export.frame_rate import EDITING, FrameRate, exact_rate


@pytest.mark.parametrize(
    ("average", "exact"),
    [
        (23.976, Fraction(24000, 1001)),
        (23.976023976, Fraction(24000, 1001)),
        (24.0, Fraction(24)),
        (25.0, Fraction(25)),
        (24.9996, Fraction(25)),
        (29.97, Fraction(30000, 1001)),
        (29.9694, Fraction(30000, 1001)),
        (30.0, Fraction(30)),
        (50.0, Fraction(50)),
        (59.94005994, Fraction(60000, 1001)),
        (60.0, Fraction(60)),
        (119.88, Fraction(120000, 1001)),
        (12.0, Fraction(12)),
        (240.0, Fraction(240)),
    ],
)
def test_a_rounded_rate_stands_for_the_exact_one(average: float, exact: Fraction) -> None:
    assert exact_rate(average) == FrameRate(exact, is_constant=True)


@pytest.mark.parametrize(
    ("average", "nearest"),
    [
        (29.3, Fraction(30000, 1001)),
        (27.1, Fraction(25)),
        (7.31, Fraction(24000, 1001)),
        (1000.0, Fraction(60)),
    ],
)
def test_an_odd_average_is_told_to_be_no_constant_rate(average: float, nearest: Fraction) -> None:
    assert exact_rate(average) == FrameRate(nearest, is_constant=False)


@pytest.mark.parametrize("average", [None, 0.0, -1.0, float("nan"), float("inf")])
def test_a_video_without_a_rate_is_counted_at_25(average: float | None) -> None:
    assert exact_rate(average) == FrameRate(Fraction(25), is_constant=False)


@pytest.mark.parametrize("value", EDITING)
def test_only_2997_and_5994_can_drop_frames(value: Fraction) -> None:
    assert FrameRate(value).can_drop == (value in (Fraction(30000, 1001), Fraction(60000, 1001)))


@given(st.sampled_from(EDITING), st.integers(0, 10**7))
def test_the_time_at_which_a_frame_is_shown_gives_back_its_number(value: Fraction, frame: int) -> None:
    rate = FrameRate(value)
    assert rate.frame_at(rate.seconds(frame)) == frame
