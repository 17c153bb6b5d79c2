"""The algebra of examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.errors import InvalidSearch
from app.search.asking.target import compose
from tests.factories import make_unit_vectors

CLIPS = make_unit_vectors(seed=1, rows=200) + np.float32(0.5)  # as of a real model: all lean one way
CLIPS /= np.linalg.norm(CLIPS, axis=1, keepdims=True)
EXAMPLES = make_unit_vectors(seed=2, rows=5)

weights = st.sampled_from([-2.0, -0.5, -0.15, 0.3, 1.0, 4.0])
weighted = st.lists(weights, min_size=2, max_size=5)
seldom = settings(derandomize=True, max_examples=30, deadline=None)


def z_scores(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far each clip's score lies from their mean, in standard deviations."""
    scores = CLIPS @ vector
    standard: NDArray[np.float32] = (scores - scores.mean()) / scores.std()
    return standard


def composed(weights: list[float]) -> NDArray[np.float32]:
    """Return the vector of as many examples."""
    return compose(list(zip(weights, EXAMPLES, strict=False)), CLIPS)


@given(weighted)
@seldom
def test_clips_are_ranked_by_the_weighted_sum_of_their_standard_scores(weights: list[float]) -> None:
    one_by_one = sum(weight * z_scores(vector) for weight, vector in zip(weights, EXAMPLES, strict=False))
    assert np.corrcoef(CLIPS @ composed(weights), one_by_one)[0, 1] == pytest.approx(1, abs=1e-5)


@given(st.permutations(range(5)))
@seldom
def test_the_order_of_examples_changes_nothing(order: list[int]) -> None:
    examples = [(weight, EXAMPLES[row]) for row, weight in enumerate([1.0, -0.5, 2.0, 0.3, -0.15])]
    np.testing.assert_allclose(
        compose([examples[place] for place in order], CLIPS), compose(examples, CLIPS), atol=1e-6
    )


@given(weighted, st.floats(0.1, 10))
@seldom
def test_only_the_proportion_of_weights_counts(weights: list[float], factor: float) -> None:
    np.testing.assert_allclose(
        composed([weight * factor for weight in weights]), composed(weights), atol=1e-5
    )


@given(weighted)
@seldom
def test_opposite_weights_give_the_opposite(weights: list[float]) -> None:
    np.testing.assert_allclose(composed([-weight for weight in weights]), -composed(weights), atol=1e-6)


def test_the_same_example_twice_is_one_of_twice_the_weight() -> None:
    twice = compose([(1.0, EXAMPLES[0]), (1.0, EXAMPLES[0]), (1.0, EXAMPLES[1])], CLIPS)
    np.testing.assert_allclose(twice, composed([2.0, 1.0]), atol=1e-6)


def test_what_is_added_and_taken_away_leaves_the_rest() -> None:
    rest = compose([(1.0, EXAMPLES[0]), (0.5, EXAMPLES[1]), (-0.5, EXAMPLES[1])], CLIPS)
    np.testing.assert_allclose(rest, EXAMPLES[0], atol=1e-6)


def test_an_example_whose_scores_spread_little_is_heard_as_well_as_another() -> None:
    flat = CLIPS.mean(axis=0) + 0.05 * EXAMPLES[1]  # words: nearly the same with every clip
    flat /= np.linalg.norm(flat)
    both = CLIPS @ compose([(1.0, EXAMPLES[0]), (1.0, flat)], CLIPS)
    assert np.corrcoef(both, CLIPS @ EXAMPLES[0])[0, 1] == pytest.approx(
        np.corrcoef(both, CLIPS @ flat)[0, 1], abs=1e-4
    )


def test_a_library_of_a_few_clips_says_nothing_of_spreads() -> None:
    plain = EXAMPLES[0] - EXAMPLES[1]
    few = compose([(1.0, EXAMPLES[0]), (-1.0, EXAMPLES[1])], CLIPS[:15])
    np.testing.assert_allclose(few, plain / np.linalg.norm(plain), atol=1e-6)


def test_clips_that_are_all_alike_break_nothing() -> None:
    assert np.isfinite(compose([(1.0, EXAMPLES[0]), (1.0, EXAMPLES[1])], np.repeat(CLIPS[:1], 99, 0))).all()


@pytest.mark.parametrize("background", [CLIPS, CLIPS[:3]])
def test_examples_that_cancel_each_other_out_are_refused(background: NDArray[np.float32]) -> None:
    with pytest.raises(InvalidSearch, match="cancel"):
        compose([(1.5, EXAMPLES[0]), (-1.5, EXAMPLES[0])], background)
