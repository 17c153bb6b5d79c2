"""Ranks and recall, with the test vectors of the CLIP4Clip protocol that a tie does not change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from model.evaluation.retrieval_metrics import expected_ranks, summarise


def ranks_of(scores: list[list[float]]) -> list[float]:
    matrix = np.array(scores)
    return list(expected_ranks(matrix, np.arange(len(matrix))))


def test_the_identity_matrix_ranks_every_truth_first() -> None:
    metrics = summarise(expected_ranks(np.eye(3), np.arange(3)))
    assert (metrics.recall_at_1, metrics.median_rank, metrics.mean_rank) == (100.0, 1.0, 1.0)


def test_a_tie_costs_half_a_rank() -> None:
    assert ranks_of([[0.9, 0.9, 0.1], [0.2, 0.8, 0.1], [0.3, 0.1, 0.7]]) == [1.5, 1.0, 1.0]


def test_the_worst_candidate_ranks_last() -> None:
    metrics = summarise(expected_ranks(np.array([[0, 1, 2], [2, 0, 1], [1, 2, 0]]), np.arange(3)))
    assert (metrics.recall_at_1, metrics.recall_at_5, metrics.median_rank) == (0.0, 100.0, 3.0)


def test_a_score_that_is_no_number_is_refused_by_its_place() -> None:
    with pytest.raises(ValueError, match="query 0 and candidate 1 is nan"):
        expected_ranks(np.array([[1.0, np.nan]]), np.array([0]))


def test_no_query_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no queries"):
        summarise(np.array([]))


@given(arrays(np.float64, (6, 9), elements=st.integers(0, 4).map(float)))
def test_counting_gives_the_mean_of_the_best_and_worst_sorted_place(scores: NDArray[np.float64]) -> None:
    truth = np.arange(6)
    counted = expected_ranks(scores, truth)
    for query in range(6):
        own = scores[query, query]
        best = 1 + sum(score > own for score in scores[query])
        worst = sum(score >= own for score in scores[query])
        assert counted[query] == (best + worst) / 2


@given(st.lists(st.integers(1, 50), min_size=1))
def test_recall_never_falls_as_more_hits_are_shown(ranks: list[int]) -> None:
    metrics = summarise(np.array(ranks, dtype=np.float64))
    assert metrics.recall_at_1 <= metrics.recall_at_5 <= metrics.recall_at_10
