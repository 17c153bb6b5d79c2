"""The vectors of MODEL-SPEC §6.4 by their letters, as an evaluation reports them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model.evaluation.retrieval.figures import measure
from model.evaluation.retrieval.normalisation import correct_by_bank, correct_by_softmax
from model.evaluation.retrieval.reading import CaptionBank
from model.evaluation.retrieval_metrics import RetrievalMetrics, rank, summarise

Matrix = NDArray[np.floating]

NEARLY_ONE = 1 - 1e-8
LOGITS = np.array([[30.0, 29, 10], [31, 28, 12], [11, 15, 25]])
DIAGONAL = np.arange(3)


def key(metrics: RetrievalMetrics) -> tuple[float, float, float]:
    return metrics.recall_at_1, metrics.median_rank, metrics.mean_rank


LEGACY = [
    ("A", np.eye(3), (100, 1, 1)),
    ("B", np.ones((3, 3)), (100 / 3, 2, 2)),
    ("C", np.array([[0.9, 0.9, 0.1], [0.2, 0.8, 0.1], [0.3, 0.1, 0.7]]), (75, 1, 1.25)),
    ("D", np.array([[0.0, 1, 2], [2, 0, 1], [1, 2, 0]]), (0, 3, 3)),
    ("E", np.array([[1.0, 0], [1, 0]]), (50, 1.5, 1.5)),
    ("G in float32", np.array([[1, NEARLY_ONE], [0, 1]], dtype=np.float32), (200 / 3, 1, 4 / 3)),
    ("G in float64", np.array([[1, NEARLY_ONE], [0, 1]]), (100, 1, 1)),
]


@pytest.mark.parametrize(("scores", "figures"), [v[1:] for v in LEGACY], ids=[v[0] for v in LEGACY])
def test_the_legacy_policy_gives_what_clip4clip_gives(
    scores: Matrix, figures: tuple[float, float, float]
) -> None:
    found = measure(scores, np.arange(len(scores)), ["legacy"])
    assert key(found.text_to_video["legacy"]) == pytest.approx(figures)
    assert found.text_to_video["legacy"].recall_at_5 == 100


@pytest.mark.parametrize("score", [np.nan, -np.inf], ids=["F", "H"])
def test_a_diagonal_that_is_no_number_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="query 0 and candidate 0"):
        measure(np.array([[score, 0], [0, 1]]), np.arange(2), ["legacy"])


def test_i_more_texts_than_videos_have_no_diagonal_and_more_videos_have() -> None:
    with pytest.raises(ValueError, match="query 2 is candidate 2"):
        measure(np.zeros((3, 2)), DIAGONAL, ["legacy"])
    wide = np.array([[1, 0, 2], [0, 1, 0.3]])
    assert key(summarise(rank(wide, np.arange(2), "legacy"))) == (50, 1.5, 1.5)


def test_j_captions_rank_videos_and_videos_rank_groups() -> None:
    rows = [
        [0.9, 0.1, 0.2],
        [0.3, 0.4, 0.5],
        [0.2, 0.1, 0.6],
        [0.1, 0.2, 0.9],
        [0.5, 0.4, 0.3],
        [0.1, 0.3, 0.3],
    ]
    found = measure(np.array(rows), np.array([0, 0, 1, 2, 2, 2]), ["legacy"])
    assert key(found.text_to_video["legacy"]) == pytest.approx((100 / 3, 2, 13 / 6))
    assert key(found.video_to_text["legacy"]) == pytest.approx((200 / 3, 1, 5 / 3))


def test_k_a_single_video_is_always_found() -> None:
    found = measure(np.array([[0.1], [-0.4]]), np.zeros(2, dtype=np.int64), ["legacy"])
    for by_policy in (found.text_to_video, found.video_to_text):
        assert key(by_policy["legacy"]) == (100, 1, 1)


def test_l_dual_softmax_swaps_the_first_two_texts() -> None:
    corrected = correct_by_softmax(LOGITS / 100, np.array([1, 0, 2]), 100, ["expected"]).figures
    assert corrected is not None
    assert corrected.text_to_video["expected"].recall_at_1 == 100  # arg max 1, 0, 2
    plain = measure(LOGITS, np.array([1, 0, 2]), ["expected"])
    assert plain.text_to_video["expected"].recall_at_1 == pytest.approx(200 / 3)  # arg max 0, 0, 2


def test_m_a_bank_that_draws_the_first_video_sends_two_texts_to_the_second() -> None:
    bank_scores = np.array([[0.32, 0.20, 0.10], [0.33, 0.21, 0.11], [0.31, 0.22, 0.12]])
    bank = CaptionBank(("a", "b", "c"), 3)
    corrected = correct_by_bank(LOGITS / 100, DIAGONAL, bank_scores, bank, ["expected"]).figures
    assert corrected is not None
    assert key(corrected.text_to_video["expected"]) == pytest.approx((200 / 3, 1, 5 / 3))  # ranks 3, 1, 1
    plain = measure(LOGITS, DIAGONAL, ["expected"])
    assert key(plain.text_to_video["expected"]) == pytest.approx((200 / 3, 1, 4 / 3))  # ranks 1, 2, 1
    assert corrected.video_to_text == {}
