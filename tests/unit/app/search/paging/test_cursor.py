"""What a search cursor is bound to, what it carries, and how long it is."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.confidence import QueryLevel
from app.errors import InvalidCursor
from app.search.asking.query import GroupBy, Picture, SearchQuery, Term, Words
from app.search.asking.target import Target
from app.search.paging.cursor import Progress, Yardsticks, resume, search_digest, to_word
from app.search.paging.shown import Place, Shown
from indexer.catalog.clip_filters import ClipFilters
from model.calibration.reach import Reach
from tests.factories import make_unit_vectors

QUERY = SearchQuery(terms=(Term(Words("a cat")),), filters=ClipFilters(collections=("pets",)))
VECTOR = make_unit_vectors(1, 1)[0]
YARDSTICKS = Yardsticks(vectors=(None,), spreads=(0.25,), reach=Reach(0.2, 0.03, 500), copy_cosine=0.9)
PROGRESS = Progress(
    revision=9,
    until_id=5000,
    yardsticks=YARDSTICKS,
    offset=20,
    depth=31,
    shown=Shown(Place(-0.25, 77), np.array([80, 4000])),
    last=(77, 12),
    nothing_found=True,
)


def resumed(progress: Progress, query: SearchQuery = QUERY, dimension: int = len(VECTOR)) -> Progress:
    """Return what the cursor of a page says to the next one."""
    found = resume(replace(query, cursor=to_word(query, 3, progress)), 3, dimension)
    assert found is not None
    return found


def level(vector: NDArray[np.float32] = VECTOR) -> QueryLevel:
    return QueryLevel(vector, spread=0.25, reach=YARDSTICKS.reach, copy_cosine=0.9)


def target(vector: NDArray[np.float32] = VECTOR, *, is_composed: bool) -> Target:
    return Target(vector, is_words=not is_composed, is_composed=is_composed)


def test_the_first_page_goes_on_from_nothing() -> None:
    assert resume(QUERY, 3, 8) is None


def test_a_search_goes_on_where_its_cursor_says() -> None:
    spaced = replace(QUERY, terms=(Term(Words(" a  cat")),), limit=5, cursor=to_word(QUERY, 3, PROGRESS))
    found = resume(spaced, 3, len(VECTOR))
    assert found is not None
    assert found.shown.ahead.tolist() == [80, 4000]
    assert found.yardsticks == YARDSTICKS
    assert (found.shown.until, found.last, found.until_id) == (Place(-0.25, 77), (77, 12), 5000)
    assert (found.offset, found.depth, found.revision) == (20, 31, 9)
    assert found.nothing_found is True


def test_what_the_search_says_itself_is_not_carried() -> None:
    plain = Yardsticks.of(QUERY, [target(is_composed=False)], [level()])
    assert plain.vectors == (None,)
    assert plain.levels([target(is_composed=False)])[0] == level()


@pytest.mark.parametrize(
    ("query", "is_composed"),
    [(QUERY, True), (replace(QUERY, text="a cat", use_judgements=True), False)],
)
def test_a_vector_that_the_library_has_a_say_in_is_the_same_on_every_page(
    query: SearchQuery, is_composed: bool
) -> None:
    first = Yardsticks.of(query, [target(is_composed=is_composed)], [level()])
    later = resumed(replace(PROGRESS, yardsticks=first), query).yardsticks
    moved = target(make_unit_vectors(2, 1)[0], is_composed=True)
    (now,), (then,) = later.levels([moved]), first.levels([target(is_composed=is_composed)])
    assert now.ranking_vector.tobytes() == then.ranking_vector.tobytes()
    np.testing.assert_allclose(now.ranking_vector, VECTOR, atol=1e-3)


def test_hits_are_as_sure_on_every_page_whatever_the_library_has_become() -> None:
    later = resumed(PROGRESS).yardsticks.levels([target(is_composed=False)])[0]
    assert [later.confidence(score) for score in (0.1, 0.22, 0.3)] == [
        level().confidence(score) for score in (0.1, 0.22, 0.3)
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"terms": (Term(Words("a dog")),)},
        {"terms": (Term(Words("a cat"), 2.0),)},
        {"terms": (Term(Picture(b"a cat")),)},
        {"filters": ClipFilters()},
        {"min_score": 0.1},
        {"group_by": GroupBy.VIDEO},
        {"diversity": 0.5},
        {"relevant": ("a" * 32,)},
    ],
)
def test_the_cursor_of_another_search_is_refused(change: dict[str, object]) -> None:
    other = replace(QUERY, cursor=to_word(QUERY, 3, PROGRESS), **change)  # type: ignore[arg-type]
    with pytest.raises(InvalidCursor, match="another search"):
        resume(other, 3, 8)


def test_two_pictures_are_two_searches() -> None:
    one, other = (search_digest(SearchQuery(terms=(Term(Picture(content)),))) for content in (b"1", b"2"))
    assert one != other


def test_the_cursor_of_another_generation_is_refused() -> None:
    with pytest.raises(InvalidCursor, match="another model"):
        resume(replace(QUERY, cursor=to_word(QUERY, 3, PROGRESS)), 4, 8)


@pytest.mark.parametrize(
    "damage",
    [
        {"vectors": (np.zeros(8, np.float32),)},
        {"vectors": (np.full(8, np.inf, np.float32),)},
        {"vectors": (make_unit_vectors(1, 1, 4)[0],)},
        {"vectors": (None, None)},
        {"spreads": (0.5, 0.5)},
    ],
)
def test_a_cursor_that_no_page_gave_is_refused(damage: dict[str, object]) -> None:
    word = to_word(QUERY, 3, replace(PROGRESS, yardsticks=replace(YARDSTICKS, **damage)))  # type: ignore[arg-type]
    with pytest.raises(InvalidCursor, match="damaged"):
        resume(replace(QUERY, cursor=word), 3, 8)


@pytest.mark.parametrize(("clips_ahead", "most"), [(0, 300), (100, 610), (1000, 3000)])
def test_a_cursor_is_short(clips_ahead: int, most: int) -> None:
    ahead = np.sort(np.random.default_rng(0).choice(1_000_000, clips_ahead, replace=False))
    progress = replace(PROGRESS, until_id=1_000_000, shown=Shown(Place(-0.2501234, 777_777), ahead))
    assert len(to_word(QUERY, 3, progress)) < most


def test_the_cursor_of_a_sum_of_examples_carries_its_vector() -> None:
    vector = make_unit_vectors(1, 1, 512)[0]
    composed = Yardsticks.of(QUERY, [target(vector, is_composed=True)], [level(vector)])
    assert len(to_word(QUERY, 3, replace(PROGRESS, yardsticks=composed))) < 1900
