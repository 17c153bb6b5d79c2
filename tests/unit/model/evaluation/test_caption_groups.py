"""Videos with several captions: vectors J and K of MODEL-SPEC §6.4."""

from typing import get_args

import numpy as np
import pytest

from model.evaluation.caption_groups import best_of_groups, evaluate_captions
from model.evaluation.retrieval_metrics import RetrievalMetrics, TiePolicy, rank, summarise

OWNERS = np.array([0, 0, 1, 2, 2, 2])
SCORES = np.array(
    [[0.9, 0.1, 0.2], [0.3, 0.4, 0.5], [0.2, 0.1, 0.6], [0.1, 0.2, 0.9], [0.5, 0.4, 0.3], [0.1, 0.3, 0.3]]
)
"""Vector J; the last caption's video ties with another."""


def figures(metrics: RetrievalMetrics) -> tuple[float, float, float, int]:
    return metrics.recall_at_1, metrics.median_rank, metrics.mean_rank, metrics.queries


@pytest.mark.parametrize(
    ("ties", "ranks_first", "median", "mean"),
    [
        ("legacy", 2, 2.0, 13 / 6),  # the lower median of 1 1 2 3 3 3
        ("pessimistic", 2, 2.5, 13 / 6),
        ("optimistic", 3, 2.0, 2.0),
        ("expected", 2, 2.25, 12.5 / 6),
    ],
)
def test_each_caption_ranks_the_videos(ties: TiePolicy, ranks_first: int, median: float, mean: float) -> None:
    metrics = evaluate_captions(SCORES, OWNERS, ties).text_to_video
    assert figures(metrics) == pytest.approx((100 * ranks_first / 6, median, mean, 6))


@pytest.mark.parametrize("ties", get_args(TiePolicy))
def test_each_video_ranks_the_groups_of_captions(ties: TiePolicy) -> None:
    metrics = evaluate_captions(SCORES, OWNERS, ties).video_to_text
    assert figures(metrics) == pytest.approx((200 / 3, 1, 5 / 3, 3))


def test_a_group_scores_as_its_best_caption() -> None:
    best = best_of_groups(SCORES, OWNERS).T
    assert best.tolist() == [[0.9, 0.2, 0.5], [0.4, 0.1, 0.4], [0.5, 0.6, 0.9]]


def test_captions_may_come_in_any_order() -> None:
    order = [4, 0, 2, 5, 1, 3]
    assert evaluate_captions(SCORES[order], OWNERS[order]) == evaluate_captions(SCORES, OWNERS)


@pytest.mark.parametrize("ties", get_args(TiePolicy))
@pytest.mark.parametrize("captions", [1, 4])
def test_a_single_video_is_found_by_all_its_captions(captions: int, ties: TiePolicy) -> None:
    scores = np.linspace(-1, 1, captions)[:, None]  # vector K
    metrics = evaluate_captions(scores, np.zeros(captions, dtype=np.int64), ties)
    assert figures(metrics.text_to_video) == (100, 1, 1, captions)
    assert figures(metrics.video_to_text) == (100, 1, 1, 1)
    assert metrics.video_to_text.recall_at_10 == 100


@pytest.mark.parametrize("ties", get_args(TiePolicy))
def test_one_caption_a_video_is_the_square_matrix_and_its_transpose(ties: TiePolicy) -> None:
    scores = np.array([[0.9, 0.9, 0.1], [0.2, 0.8, 0.1], [0.3, 0.8, 0.7]])
    metrics = evaluate_captions(scores, np.arange(3), ties)
    assert metrics.text_to_video == summarise(rank(scores, np.arange(3), ties))
    assert metrics.video_to_text == summarise(rank(scores.T, np.arange(3), ties))


def test_a_video_without_a_caption_is_refused_by_its_place() -> None:
    with pytest.raises(ValueError, match="video 1 has no caption"):
        evaluate_captions(SCORES, np.array([0, 0, 0, 2, 2, 2]))


def test_an_owner_that_is_no_video_is_refused() -> None:
    with pytest.raises(ValueError, match="query 5 is candidate 3"):
        evaluate_captions(SCORES, np.array([0, 0, 1, 2, 2, 3]))


@pytest.mark.parametrize("ties", get_args(TiePolicy))
def test_scores_that_are_no_table_are_refused(ties: TiePolicy) -> None:
    with pytest.raises(ValueError, match=r"scores \(6,\) and truth \(6,\) do not fit"):
        evaluate_captions(SCORES[:, 0], OWNERS, ties)
