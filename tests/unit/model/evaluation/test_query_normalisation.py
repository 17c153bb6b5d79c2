"""Scores corrected by other queries: vectors L and M of MODEL-SPEC §6.4."""

from math import exp

import numpy as np
import pytest

from model.evaluation.query_normalisation import dual_softmax, querybank_normalise
from model.evaluation.retrieval_metrics import rank

LOGITS = np.array([[30.0, 29, 10], [31, 28, 12], [11, 15, 25]])
BANK = np.array([[0.32, 0.20, 0.10], [0.33, 0.21, 0.11], [0.31, 0.22, 0.12]])
COSINES = LOGITS / 100


def test_the_dual_softmax_gives_a_disputed_video_to_the_text_that_wants_it_most() -> None:
    assert LOGITS.argmax(1).tolist() == [0, 0, 2]
    corrected = dual_softmax(LOGITS)
    wanted = [[8.068, 21.201, 0], [22.663, 7.530, 0], [0, 0, 25.0]]
    np.testing.assert_allclose(corrected, wanted, rtol=0, atol=5e-4)
    assert corrected.argmax(1).tolist() == [1, 0, 2]


def test_the_dual_softmax_of_the_transpose_is_over_the_videos() -> None:
    corrected = dual_softmax(LOGITS.T)
    for video in range(3):
        for text in range(3):
            share = exp(LOGITS[text, video]) / sum(exp(logit) for logit in LOGITS[text])
            assert corrected[video, text] == pytest.approx(LOGITS[text, video] * share)


def test_the_dual_softmax_keeps_hopeless_scores_apart() -> None:
    logits = np.array([[400, 0, 1], [0, 300, 1], [2, 1, 800]], dtype=np.float32)
    corrected = dual_softmax(logits)
    assert rank(corrected, np.array([0, 1, 0]), "legacy").tolist() == [1, 1, 3]


def test_queries_whose_best_video_draws_the_bank_are_normalised_and_others_stay() -> None:
    corrected = querybank_normalise(COSINES, BANK, beta=20, k=1)
    assert COSINES.argmax(1).tolist() == [0, 0, 2]
    for text in (0, 1):
        for video in range(3):
            drawn = sum(exp(20 * cosine) for cosine in BANK[:, video])
            assert corrected[text, video] == pytest.approx(exp(20 * COSINES[text, video]) / drawn)
    assert corrected[2].tolist() == COSINES[2].tolist()
    assert corrected.argmax(1).tolist() == [1, 1, 2]


def test_a_deeper_bank_activates_more_videos() -> None:
    assert querybank_normalise(COSINES, BANK, k=3)[2].tolist() != COSINES[2].tolist()


def test_a_sharp_bank_does_not_overflow() -> None:
    assert np.isfinite(querybank_normalise(COSINES, BANK, beta=5000)).all()


def test_the_given_scores_stay_as_they_are() -> None:
    logits, cosines, bank = LOGITS.copy(), COSINES.copy(), BANK.copy()
    dual_softmax(logits)
    querybank_normalise(cosines, bank)
    np.testing.assert_array_equal(np.stack([logits, cosines, bank]), np.stack([LOGITS, COSINES, BANK]))


@pytest.mark.parametrize("shape", [(3, 2), (0, 3), (3,)])
def test_a_bank_that_does_not_fit_is_refused_with_the_sizes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"scores \(3, 3\) and bank \({shape[0]},.*\) do not fit"):
        querybank_normalise(COSINES, np.zeros(shape))


@pytest.mark.parametrize("k", [0, 4])
def test_a_depth_that_the_candidates_do_not_have_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=f"k={k}: must be 1 to 3"):
        querybank_normalise(COSINES, BANK, k=k)


def test_what_is_no_number_is_refused() -> None:
    broken = np.where(np.eye(3) > 0, np.nan, 0.0)
    with pytest.raises(ValueError, match="query 0 and candidate 0 is nan"):
        dual_softmax(broken)
    with pytest.raises(ValueError, match="query 0 and candidate 0 is nan"):
        querybank_normalise(COSINES, broken)
