"""Shares of hits that are right: surer with the margin, less sure with the library."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.calibration import certainty
from model.calibration.certainty import probability_right

margins = st.floats(-20, 20)
clips = st.integers(2, 10**7)


@settings(max_examples=50, derandomize=True)
@given(margin=margins, count=clips)
def test_it_is_a_share_that_grows_with_the_margin_and_falls_with_the_library(
    margin: float, count: int
) -> None:
    share = probability_right(margin, count)
    assert 0 < share < 1
    assert probability_right(margin + 0.1, count) >= share
    assert probability_right(margin, 2 * count) <= share


@pytest.mark.parametrize("margin", [1e9, -1e9])
def test_a_margin_beyond_all_measure_overflows_nothing(margin: float) -> None:
    assert probability_right(margin, 20) == pytest.approx(float(margin > 0), abs=1e-9)


def test_what_phrases_in_general_reach_is_never_more_than_a_weak_hint() -> None:
    assert probability_right(0, certainty.FEWEST_CLIPS) < certainty.MEDIUM


def test_nothing_is_claimed_far_below_the_level_of_weak_hits() -> None:
    assert probability_right(certainty.NOTHING, certainty.FEWEST_CLIPS) < certainty.MEDIUM / 2
