"""Drift and agreement of rankings, against slow references that sort and draw lots."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from model.evaluation.drift.metrics import (
    agreement_of_neighbours,
    agreement_of_queries,
    measure_drift,
    overlap_at,
    rank_correlation_at,
)

few_values = arrays(np.float64, 5, elements=st.integers(0, 2).map(float))


def unit_vectors(count: int, seed: int = 0, dimension: int = 6) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension))
    unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def test_equal_vectors_have_not_drifted_and_rank_alike() -> None:
    clips, words = unit_vectors(20), unit_vectors(7, seed=1)
    drift = measure_drift(clips, clips)
    assert (drift.mean, drift.fifth_percentile, drift.least) == pytest.approx((1, 1, 1))
    for agreement in (agreement_of_queries(clips, clips, words, 5), agreement_of_neighbours(clips, clips, 5)):
        assert (agreement.overlap, agreement.rank_correlation) == pytest.approx((1, 1))


def test_drift_is_told_by_its_mean_its_tail_and_its_worst_case() -> None:
    angles = np.radians([0.0] * 19 + [60.0])
    turned = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    unturned = np.tile(np.array([1, 0], np.float32), (20, 1))
    drift = measure_drift(unturned, turned)
    assert drift.mean == pytest.approx(19.5 / 20)
    assert drift.least == pytest.approx(0.5)
    assert drift.fifth_percentile == pytest.approx(np.percentile(np.cos(angles), 5))


def test_drift_is_that_of_each_segment_where_there_are_several() -> None:
    segments = unit_vectors(12).reshape(3, 4, 6)
    assert measure_drift(segments, -segments).mean == pytest.approx(-1)


@pytest.mark.parametrize(("first", "second"), [((0, 4), (0, 4)), ((3, 4), (2, 4))])
def test_vectors_of_no_or_other_clips_are_refused(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="same clips"):
        measure_drift(np.ones(first, np.float32), np.ones(second, np.float32))


def test_a_reversed_ranking_correlates_by_minus_one() -> None:
    scores = np.array([0.9, 0.7, 0.5, 0.3, 0.1])
    assert rank_correlation_at(scores, -scores, 2) == pytest.approx(-1)
    assert rank_correlation_at(scores, -scores, 5) == pytest.approx(-1)
    assert overlap_at(scores, -scores, 2) == 0


def test_only_candidates_that_either_shows_count() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.1])
    tail_swapped = np.array([0.9, 0.8, 0.7, 0.1, 0.2])
    assert rank_correlation_at(scores, tail_swapped, 3) == pytest.approx(1)
    assert rank_correlation_at(scores, tail_swapped, 4) < 1
    assert overlap_at(scores, tail_swapped, 4) == 0.75


def test_a_ranking_that_ties_everything_agrees_with_none_but_its_like() -> None:
    scores, tied = np.array([0.9, 0.7, 0.5, 0.3]), np.zeros(4)
    assert (rank_correlation_at(scores, tied, 2), rank_correlation_at(tied, tied, 2)) == (0, 1)
    assert (overlap_at(scores, tied, 2), overlap_at(tied, tied, 2)) == (0.5, 1)


def test_one_candidate_that_both_show_first_is_full_agreement() -> None:
    scores = np.array([0.9, 0.1, 0.2])
    assert (overlap_at(scores, scores, 1), rank_correlation_at(scores, scores, 1)) == (1, 1)


def test_a_clip_is_no_neighbour_of_itself() -> None:
    """Two pairs of neighbours: in the other vectors each clip is nearest to the other pair."""
    near, far = np.eye(2, dtype=np.float32)
    pairs = np.stack([near, near, far, far])
    crossed = np.stack([near, far, near, far])
    agreement = agreement_of_neighbours(pairs, crossed, 1)
    assert agreement.overlap == 0


@pytest.mark.parametrize("k", [0, 4])
def test_more_places_than_candidates_are_refused(k: int) -> None:
    with pytest.raises(ValueError, match=f"k={k}: must be 1 to 3"):
        overlap_at(np.zeros(3), np.zeros(3), k)


def test_no_query_is_refused() -> None:
    with pytest.raises(ValueError, match="no queries"):
        agreement_of_queries(unit_vectors(3), unit_vectors(3), unit_vectors(0), 2)


@given(few_values, st.integers(1, 5))
def test_ties_at_the_last_place_count_as_if_drawn_by_lot(scores: NDArray[np.float64], k: int) -> None:
    fixed = np.arange(5.0)
    draws = []
    for lot in permutations(range(5)):
        order = sorted(range(5), key=lambda one: (-scores[one], lot[one]))
        draws.append(len(set(order[:k]) & set(range(5 - k, 5))) / k)
    assert overlap_at(scores, fixed, k) == pytest.approx(np.mean(draws))


@given(few_values, few_values, st.integers(1, 5))
def test_agreement_is_in_range_and_mutual(
    first: NDArray[np.float64], second: NDArray[np.float64], k: int
) -> None:
    overlap, correlation = overlap_at(first, second, k), rank_correlation_at(first, second, k)
    assert 0 <= overlap <= 1 + 1e-12
    assert -1 - 1e-12 <= correlation <= 1 + 1e-12
    assert overlap_at(second, first, k) == pytest.approx(overlap)
    assert rank_correlation_at(second, first, k) == pytest.approx(correlation)
    assert overlap_at(first, first, k) == pytest.approx(1)
    assert rank_correlation_at(first, first, k) == pytest.approx(1)
