"""Two models and the same judgements."""

import pytest

from model.evaluation.judged_comparison import ENOUGH_QUERIES, Difference, Verdict, compare

GOOD = {"right": 0.9, "wrong": 0.1}
BAD = {"right": 0.1, "wrong": 0.9}
JUDGED = {"right": True, "wrong": False}
LOST = 1 - 0.6309297535714574  # the second place instead of the first


def compared(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> Difference | None:
    scores = [{f"query {n}": clips for n, clips in enumerate(one)} for one in (ours, theirs)]
    return compare(scores[0], scores[1], {f"query {n}": JUDGED for n in range(len(ours))})


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [(GOOD, BAD, "better"), (BAD, GOOD, "worse"), (GOOD, GOOD, "cannot tell")],
)
def test_a_model_is_better_or_worse_where_every_query_says_so(
    ours: dict[str, float], theirs: dict[str, float], verdict: Verdict
) -> None:
    found = compared([ours] * ENOUGH_QUERIES, [theirs] * ENOUGH_QUERIES)
    assert found is not None
    assert (found.queries, found.verdict) == (ENOUGH_QUERIES, verdict)
    expected = {"better": LOST, "worse": -LOST, "cannot tell": 0.0}[verdict]
    assert (found.ndcg_at_10, *found.interval) == pytest.approx((expected,) * 3)


def test_few_queries_cannot_tell_however_clear_they_are() -> None:
    found = compared([GOOD] * (ENOUGH_QUERIES - 1), [BAD] * (ENOUGH_QUERIES - 1))
    assert found is not None
    assert found.verdict == "cannot tell"


def test_queries_that_contradict_each_other_cannot_tell() -> None:
    found = compared([GOOD, BAD] * ENOUGH_QUERIES, [BAD, GOOD] * ENOUGH_QUERIES)
    assert found is not None
    assert found.verdict == "cannot tell"
    assert found.interval[0] < 0 < found.interval[1]


def test_only_what_both_have_read_is_compared() -> None:
    judged = {"a": {"right": True, "wrong": False, "seen by one": False}, "b": JUDGED, "c": JUDGED}
    ours = {"a": {**GOOD, "seen by one": 1.0}, "b": GOOD, "c": {"right": 0.5}}
    theirs = {"a": GOOD, "c": GOOD}
    assert compare(ours, theirs, judged) == Difference(1, 0.0, (0.0, 0.0), "cannot tell")
    assert compare(ours, {}, judged) is None
