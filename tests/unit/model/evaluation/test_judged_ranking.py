"""Condensed lists against values worked out by hand and a slow reference."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.evaluation.judged_ranking import (
    CondensedList,
    bootstrap_interval,
    condense,
    summarise_lists,
)

Judged = list[tuple[float, bool]]

JUDGED = st.lists(st.tuples(st.integers(0, 5).map(float), st.booleans()), min_size=2, max_size=15).filter(
    lambda judged: len({is_relevant for _, is_relevant in judged}) == 2
)


def condensed(judged: Judged) -> CondensedList:
    scores, is_relevant = zip(*judged, strict=True)
    return condense(np.array(scores), np.array(is_relevant))


def slow_ndcg(judged: Judged) -> float:
    order = sorted(judged, key=lambda one: (-one[0], one[1]))
    gain = sum(1 / math.log2(rank + 1) for rank, one in enumerate(order[:10], 1) if one[1])
    right = sum(is_relevant for _, is_relevant in judged)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(right, 10) + 1))


def test_the_second_of_three_places_is_worth_its_discount() -> None:
    found = condensed([(0.9, False), (0.8, True), (0.1, False)])
    assert found.ndcg == pytest.approx(1 / math.log2(3))
    assert (found.first_rank, found.wrong) == (2, 2)


def test_all_that_is_right_before_all_that_is_wrong_is_perfect() -> None:
    assert condensed([(0.1, False), (0.9, True), (0.8, True)]).ndcg == 1.0


def test_what_is_right_beyond_the_tenth_place_counts_nothing() -> None:
    found = condensed([(1.0, False)] * 10 + [(0.5, True)])
    assert (found.ndcg, found.first_rank) == (0.0, 11)


def test_more_than_ten_that_are_right_can_still_be_perfect() -> None:
    assert condensed([(1.0, True)] * 12 + [(0.5, False)]).ndcg == pytest.approx(1.0)


@settings(max_examples=50)
@given(JUDGED)
def test_lists_are_worth_what_the_definition_says(judged: Judged) -> None:
    assert condensed(judged).ndcg == pytest.approx(slow_ndcg(judged))


@settings(max_examples=50)
@given(JUDGED, st.randoms())
def test_neither_the_order_of_judgements_nor_ties_help(judged: Judged, random: object) -> None:
    shuffled = list(judged)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert condensed(shuffled) == condensed(judged)
    parted = [(score + (0 if is_relevant else 0.1), is_relevant) for score, is_relevant in judged]
    assert condensed(judged).ndcg == pytest.approx(condensed(parted).ndcg)


@pytest.mark.parametrize("judged", [[(1.0, True)], [(1.0, False), (0.5, False)]])
def test_a_query_of_one_kind_of_judgements_has_nothing_to_order(judged: Judged) -> None:
    with pytest.raises(ValueError, match="some that are right and some that are wrong"):
        condensed(judged)


def test_a_score_that_is_no_number_is_named() -> None:
    with pytest.raises(ValueError, match="nan, not a finite number"):
        condensed([(math.nan, True), (0.5, False)])


def test_recall_is_counted_over_the_queries_that_could_miss_it() -> None:
    lists = [CondensedList(1.0, 1, 1), CondensedList(0.5, 3, 5), CondensedList(0.2, 6, 7)]
    metrics = summarise_lists(lists)
    assert metrics.queries == 3
    assert metrics.ndcg_at_10 == pytest.approx(1.7 / 3)
    assert metrics.recall_at_1 == pytest.approx(100 / 3)
    assert (metrics.recall_at_5, metrics.recall_at_10) == (50.0, None)
    assert metrics.recall_queries == (3, 2, 0)


def test_a_single_query_has_no_interval_and_none_has_no_metrics() -> None:
    assert summarise_lists([CondensedList(0.5, 2, 1)]).ndcg_interval is None
    with pytest.raises(ValueError, match="no queries"):
        summarise_lists([])
    with pytest.raises(ValueError, match="no values"):
        bootstrap_interval(np.array([]))


def test_the_interval_is_that_of_the_normal_approximation_where_that_holds() -> None:
    values = np.random.default_rng(1).normal(0.6, 0.2, size=400)
    low, high = bootstrap_interval(values)
    reach = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - reach, abs=0.003)
    assert high == pytest.approx(values.mean() + reach, abs=0.003)
    assert bootstrap_interval(values) == (low, high)
