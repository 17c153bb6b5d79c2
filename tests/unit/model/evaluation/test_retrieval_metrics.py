"""Ranks and recall: vectors A to I of MODEL-SPEC §6.4, and what holds for any scores."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from model.evaluation.retrieval_metrics import CELLS_PER_CHUNK, TiePolicy, rank, recall_at, summarise

POLICIES: tuple[TiePolicy, ...] = get_args(TiePolicy)
QUERIES, CANDIDATES = 4, 5
DIAGONAL = np.arange(QUERIES)
NEARLY_ONE = 1 - 1e-8

Matrix = NDArray[np.float64]
Rows = list[list[float]]

tied_scores = arrays(np.float64, (QUERIES, CANDIDATES), elements=st.integers(0, 3).map(float))
untied_scores = st.permutations(range(QUERIES * CANDIDATES)).map(
    lambda order: np.array(order, dtype=np.float64).reshape(QUERIES, CANDIDATES)
)


def ranks_of(scores: Rows | Matrix, ties: TiePolicy = "expected") -> list[float]:
    matrix = np.asarray(scores)
    return list(rank(matrix, np.arange(len(matrix)), ties))


def sorted_places(scores: Matrix) -> list[float]:
    """Return what the published code does: sort a row, and enter each place whose value is the truth's."""
    return [
        place
        for query, row in enumerate(scores)
        for place, score in enumerate(sorted(row, reverse=True), start=1)
        if score == row[query]
    ]


VECTORS = [
    # name, scores, ranks and R@1, MdR, MnR by the legacy policy, ranks by the recommended one
    ("A", [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [1, 1, 1], (100, 1, 1), [1, 1, 1]),
    ("B", [[1, 1, 1], [1, 1, 1], [1, 1, 1]], [1, 2, 3] * 3, (100 / 3, 2, 2), [2, 2, 2]),
    ("C", [[0.9, 0.9, 0.1], [0.2, 0.8, 0.1], [0.3, 0.1, 0.7]], [1, 2, 1, 1], (75, 1, 1.25), [1.5, 1, 1]),
    ("D", [[0, 1, 2], [2, 0, 1], [1, 2, 0]], [3, 3, 3], (0, 3, 3), [3, 3, 3]),
    ("E", [[1, 0], [1, 0]], [1, 2], (50, 1.5, 1.5), [1, 2]),
    ("G in float64", [[1, NEARLY_ONE], [0, 1]], [1, 1], (100, 1, 1), [1, 1]),
    ("I, more videos than texts", [[1, 0, 2], [0, 1, 0.3]], [2, 1], (50, 1.5, 1.5), [2, 1]),
]


@pytest.mark.parametrize(
    ("scores", "places", "figures", "expected"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS]
)
def test_the_vectors_of_the_specification(
    scores: Rows, places: list[float], figures: tuple[float, float, float], expected: list[float]
) -> None:
    legacy = summarise(np.array(ranks_of(scores, "legacy")))
    assert ranks_of(scores, "legacy") == places
    assert (legacy.recall_at_1, legacy.median_rank, legacy.mean_rank) == pytest.approx(figures)
    assert (legacy.recall_at_5, legacy.recall_at_10, legacy.queries) == (100, 100, len(places))
    assert ranks_of(scores) == expected


def test_scores_that_float32_rounds_to_a_tie_are_a_tie() -> None:
    scores = np.array([[1, NEARLY_ONE], [0, 1]], dtype=np.float32)  # vector G
    legacy = summarise(rank(scores, np.arange(2), "legacy"))
    assert (legacy.recall_at_1, legacy.mean_rank, legacy.queries) == pytest.approx((200 / 3, 4 / 3, 3))
    assert rank(scores, np.arange(2)).tolist() == [1.5, 1.0]


@pytest.mark.parametrize("ties", POLICIES)
@pytest.mark.parametrize("score", [np.nan, -np.inf, np.inf])
def test_a_score_that_is_no_number_is_refused_by_its_place(score: float, ties: TiePolicy) -> None:
    # Vectors F and H: the published code drops such a row without a word.
    with pytest.raises(ValueError, match=f"query 0 and candidate 0 is {score}"):
        ranks_of([[score, 0], [0, 1]], ties)


@pytest.mark.parametrize("ties", POLICIES)
def test_more_texts_than_videos_on_the_diagonal_are_refused(ties: TiePolicy) -> None:
    with pytest.raises(ValueError, match=r"query 2 is candidate 2, but scores \(3, 2\) hold 2 candidates"):
        ranks_of(np.zeros((3, 2)), ties)  # vector I


def test_a_truth_counted_from_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match="query 1 is candidate -1"):
        rank(np.zeros((2, 2)), np.array([0, -1]))


@pytest.mark.parametrize(("shape", "truths"), [((3, 3), 2), ((9,), 9), ((2, 3, 3), 2)])
def test_shapes_that_do_not_fit_are_refused_with_their_sizes(shape: tuple[int, ...], truths: int) -> None:
    with pytest.raises(ValueError, match=rf"scores \({shape[0]}.*\) and truth \({truths},\) do not fit"):
        rank(np.zeros(shape), np.zeros(truths, dtype=np.int64))


def test_an_unknown_tie_policy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'random': known are expected, optimistic, pessimistic, legacy"):
        rank(np.eye(2), np.arange(2), "random")  # type: ignore[arg-type]


def test_no_query_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no queries"):
        summarise(np.array([]))


def test_the_lower_median_is_the_lower_of_the_middle_two() -> None:
    ranks = np.array([4.0, 1.0, 3.0, 2.0])
    assert (summarise(ranks).median_rank, summarise(ranks, lower_median=True).median_rank) == (2.5, 2.0)


def test_recall_beyond_the_candidates_is_complete() -> None:
    assert recall_at(1000, rank(np.zeros((2, 3)), np.arange(2), "pessimistic")) == 100


def test_the_sum_of_recalls_is_that_of_1_5_and_10() -> None:
    assert summarise(np.array([1.0, 3.0, 8.0, 20.0])).recall_sum == 25 + 50 + 75


def test_captions_that_say_the_same_share_their_ranks_among_texts() -> None:
    scores = np.array([[0.7, 0.4], [0.7, 0.4]])
    assert ranks_of(scores) == [1.0, 2.0]
    assert ranks_of(scores.T) == [1.5, 1.5]
    assert ranks_of(scores.T, "legacy") == [1.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize("ties", POLICIES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_ranks_counted_in_chunks_are_those_of_the_whole(order: str, ties: TiePolicy) -> None:
    queries, candidates = 1300, 900
    assert queries * candidates > CELLS_PER_CHUNK
    scores = np.random.default_rng(3).integers(0, 300, (queries, candidates)).astype(np.float32)
    truth = np.random.default_rng(4).integers(0, candidates, queries)
    own = scores[np.arange(queries), truth][:, None]
    best, worst = 1 + (scores > own).sum(1), (scores >= own).sum(1)
    whole = {
        "optimistic": best,
        "pessimistic": worst,
        "expected": (best + worst) / 2,
        "legacy": np.concatenate([np.arange(*ends) for ends in zip(best, worst + 1, strict=True)]),
    }
    counted = rank(scores if order == "C" else np.asfortranarray(scores), truth, ties)
    np.testing.assert_array_equal(counted, whole[ties])


def test_a_score_that_is_no_number_is_placed_in_whatever_chunk_it_is() -> None:
    scores = np.zeros((1300, 900), dtype=np.float32)
    scores[1299, 7] = np.nan
    with pytest.raises(ValueError, match="query 1299 and candidate 7 is nan"):
        rank(scores, np.zeros(1300, dtype=np.int64))


@given(tied_scores)
def test_the_legacy_policy_enters_each_sorted_place_of_a_tie(scores: Matrix) -> None:
    assert rank(scores, DIAGONAL, "legacy").tolist() == sorted_places(scores)


@given(tied_scores)
def test_the_expected_rank_is_the_mean_of_the_best_and_the_worst(scores: Matrix) -> None:
    best, worst = (rank(scores, DIAGONAL, ties) for ties in ("optimistic", "pessimistic"))
    np.testing.assert_array_equal(rank(scores, DIAGONAL, "expected"), (best + worst) / 2)


@given(tied_scores, st.integers(0, QUERIES - 1), st.integers(0, CANDIDATES - 1))
def test_one_more_tie_never_helps(scores: Matrix, query: int, candidate: int) -> None:
    tied = scores.copy()
    if scores[query, candidate] <= scores[query, query]:
        tied[query, candidate] = scores[query, query]
    for ties in ("expected", "pessimistic", "optimistic"):
        assert (rank(tied, DIAGONAL, ties) >= rank(scores, DIAGONAL, ties)).all()
    assert (rank(tied, DIAGONAL) >= rank(tied, DIAGONAL, "optimistic")).all()


@given(untied_scores)
def test_all_policies_agree_where_nothing_ties(scores: Matrix) -> None:
    ranks = {tuple(rank(scores, DIAGONAL, ties)) for ties in POLICIES}
    assert ranks == {tuple(sorted_places(scores))}


@given(tied_scores, st.sampled_from(POLICIES))
def test_recall_never_falls_as_more_hits_are_shown(scores: Matrix, ties: TiePolicy) -> None:
    ranks = rank(scores, DIAGONAL, ties)
    recalls = [recall_at(depth, ranks) for depth in range(CANDIDATES + 2)]
    assert recalls == sorted(recalls)
    assert (recalls[0], recalls[-1]) == (0, 100)


@given(tied_scores, arrays(np.float64, (QUERIES, 1), elements=st.integers(-9, 9).map(float)))
def test_a_text_that_scores_higher_with_every_video_ranks_them_alike(scores: Matrix, more: Matrix) -> None:
    for ties in POLICIES:
        assert ranks_of(scores + more, ties) == ranks_of(scores, ties)


def test_a_text_that_scores_higher_with_every_video_rises_among_texts() -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert ranks_of(scores.T) == [1.0, 1.0]
    assert ranks_of((scores + np.array([[1.0], [0.0]])).T) == [1.0, 2.0]
