"""The part of the training set kept for validation."""

import pytest

from model.datasets.held_out import hold_out

NAMES = [f"video{number}" for number in range(40)]


def test_the_order_of_the_names_plays_no_part() -> None:
    assert hold_out(NAMES, 0.1) == hold_out(NAMES[::-1], 0.1)


def test_the_choice_is_the_same_on_every_machine() -> None:
    assert sorted(hold_out(NAMES, 0.05)) == ["video22", "video34"]


@pytest.mark.parametrize(
    ("names", "share", "count"), [(40, 0.1, 4), (10, 0.05, 1), (2, 0.1, 1), (1, 0.5, 0), (0, 0.5, 0)]
)
def test_the_share_is_rounded_and_at_least_one_of_two(names: int, share: float, count: int) -> None:
    assert len(hold_out(NAMES[:names], share)) == count


def test_of_a_name_that_is_added_no_other_enters_the_held_out_part() -> None:
    before, after = hold_out(NAMES, 0.1), hold_out([*NAMES, "another"], 0.1)
    assert after - before <= {"another"}
