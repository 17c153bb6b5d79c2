"""How high phrases in general reach in a library, by a comparison written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.calibration.reach import PHRASES_AT_ONCE, Reach, measure_reach
from tests.factories import make_unit_vectors

DIMENSION = 16


@settings(max_examples=20, derandomize=True)
@given(clips=st.integers(2, 40), phrases=st.integers(2, 40), seed=st.integers(0, 99))
def test_it_is_the_mean_and_spread_of_the_best_scores(clips: int, phrases: int, seed: int) -> None:
    library, bank = make_unit_vectors(seed, clips, DIMENSION), make_unit_vectors(seed + 1, phrases, DIMENSION)
    best = [max(float(clip @ phrase) for clip in library) for phrase in bank]
    reach = measure_reach(bank, library)
    assert reach is not None
    assert reach.mean == pytest.approx(np.mean(best), abs=1e-5)
    assert reach.spread == pytest.approx(np.std(best), abs=1e-5)
    assert reach.clips == clips


def test_a_bank_larger_than_one_helping_counts_whole() -> None:
    library = make_unit_vectors(0, 10, DIMENSION)
    bank = make_unit_vectors(1, PHRASES_AT_ONCE + 7, DIMENSION)
    reach = measure_reach(bank, library)
    assert reach is not None
    assert reach.mean == pytest.approx((bank @ library.T).max(axis=1).mean(), abs=1e-6)


def test_a_sample_tells_what_a_library_four_times_as_large_reaches() -> None:
    library, bank = make_unit_vectors(0, 4096, 64), make_unit_vectors(1, 300, 64)
    whole, small = measure_reach(bank, library), measure_reach(bank, library[:1024])
    guessed = measure_reach(bank, library[:1024], clips=4096)
    assert whole and small and guessed
    assert guessed.clips == 4096
    assert abs(guessed.mean - whole.mean) < 0.25 * (whole.mean - small.mean)


def test_a_margin_counts_spreads_above_the_mean() -> None:
    assert Reach(mean=0.3, spread=0.05, clips=100).margin(0.4) == pytest.approx(2)


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_is_measured_with_fewer_than_two_clips(count: int) -> None:
    bank = make_unit_vectors(1, 20, DIMENSION)
    assert measure_reach(bank, make_unit_vectors(0, 2, DIMENSION)[:count]) is None


def test_nothing_is_measured_where_all_phrases_reach_alike() -> None:
    bank = np.repeat(make_unit_vectors(1, 1, DIMENSION), 5, axis=0)
    assert measure_reach(bank, make_unit_vectors(0, 30, DIMENSION)) is None
