"""Pages of a ranking that may change under them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.ranking import Found, Place, ranked_page

scores = st.lists(st.integers(0, 5).map(lambda number: number / 5), max_size=40)


class Index:
    """Hits of an index that orders equal scores as it likes."""

    def __init__(self, scores: list[float], shuffled: list[int] | None = None) -> None:
        self.hits: Found = list(enumerate(scores))
        self.whim = shuffled or list(range(len(scores)))
        self.asked: list[int] = []

    def search(self, limit: int) -> Found:
        self.asked.append(limit)
        return sorted(self.hits, key=lambda hit: (-hit[1], self.whim[hit[0]]))[:limit]


@given(scores=scores, count=st.integers(1, 10), data=st.data())
def test_pages_put_together_are_the_whole_ranking(
    scores: list[float], count: int, data: st.DataObject
) -> None:
    index = Index(scores, data.draw(st.permutations(range(len(scores)))))
    seen: list[Place] = []
    while page := ranked_page(index.search, count, seen[-1] if seen else None, len(seen)):
        seen += page
    assert seen == sorted(Place(-score, number) for number, score in enumerate(scores))


@given(scores=scores, added=scores, count=st.integers(1, 10))
def test_hits_added_or_taken_between_pages_do_not_move_the_next_one(
    scores: list[float], added: list[float], count: int
) -> None:
    first = ranked_page(Index(scores).search, count)
    if not first:
        return
    changed = Index(scores + added)
    changed.hits = [hit for hit in changed.hits if hit[0] != first[0].embedding_id]
    second = ranked_page(changed.search, count, first[-1], len(first))
    behind = sorted(Place(-score, number) for number, score in changed.hits)
    assert second == [place for place in behind if place > first[-1]][:count]


def test_an_unchanged_index_without_ties_is_asked_once() -> None:
    index = Index([number / 100 for number in range(100)])
    after = ranked_page(index.search, 10)[-1]
    ranked_page(index.search, 10, after, 10)
    assert index.asked == [11, 21]


def test_a_place_knows_its_score() -> None:
    assert Place(-0.25, 7).score == pytest.approx(0.25)
