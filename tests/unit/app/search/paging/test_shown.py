"""Clips that pages have shown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.paging.shown import Place, Shown, ids_of_steps, steps_of

IDS = np.array([5, 3, 8, 1, 9])
SCORES = np.array([0.5, 0.4, 0.4, 0.3, 0.2], np.float32)


def test_all_up_to_a_place_and_some_ahead_of_it_were_shown() -> None:
    shown = Shown(Place(-float(SCORES[1]), 3), np.array([9]))
    assert shown.holds(IDS, SCORES).tolist() == [True, True, False, False, True]


def test_nothing_was_shown_before_the_first_page() -> None:
    assert not Shown().holds(IDS, SCORES).any()


def test_the_place_moves_on_over_what_was_shown_and_forgets_it() -> None:
    shown = Shown().with_more([5, 8, 3]).moved_on(IDS, SCORES)
    assert shown.until == Place(-float(SCORES[2]), 8)
    assert shown.ahead.tolist() == []
    assert shown.with_more([9]).moved_on(IDS, SCORES).ahead.tolist() == [9]


@given(st.sets(st.integers(0, 2**62), max_size=50))
def test_ids_come_back_from_their_steps(ids: set[int]) -> None:
    assert ids_of_steps(steps_of(np.array(sorted(ids), np.int64))).tolist() == sorted(ids)


@pytest.mark.parametrize("steps", [[-1], [5, -1], [2**63], [2**62, 2**62]])
def test_steps_that_lead_to_no_id_are_refused(steps: list[int]) -> None:
    with pytest.raises(ValueError, match="negative or too high"):
        ids_of_steps(steps)
