"""Turning orders, medians and ratios; no test looks at how long anything takes."""

import pytest
import torch

from model.evaluation.timing import Spread, ratios, rotations, time_interleaved

CPU = torch.device("cpu")


def test_every_repetition_runs_all_arms_and_begins_with_the_next() -> None:
    assert list(rotations("abc", 4)) == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


def test_arms_take_turns_after_their_warm_up() -> None:
    calls: list[str] = []
    runs = [lambda: calls.append("a"), lambda: calls.append("b")]
    seconds = time_interleaved(runs, repeats=3, warm_up=2, device=CPU)
    assert calls == ["a", "a", "b", "b", "a", "b", "b", "a", "a", "b"]
    assert [len(own) for own in seconds] == [3, 3]
    assert min(min(own) for own in seconds) >= 0


def test_a_spread_is_the_median_between_the_quartiles_and_the_least() -> None:
    assert Spread.of([5.0, 1.0, 3.0, 2.0, 4.0]) == Spread(3.0, 2.0, 4.0, 1.0)
    assert Spread.of([2.0]) == Spread(2.0, 2.0, 2.0, 2.0)


def test_speed_ups_compare_what_ran_in_the_same_repetition() -> None:
    slow_minute = 10.0
    assert ratios([2.0, 2.0 * slow_minute], [1.0, 1.0 * slow_minute]) == [2.0, 2.0]
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 1.0], [1.0])
