"""What a search cursor is bound to and what it carries."""

from dataclasses import replace

import numpy as np
import pytest

from app.errors import InvalidCursor
from app.search.cursor import Progress, pinned, resume, search_digest, to_word
from app.search.query import GroupBy, Picture, SearchQuery, Term, Words
from app.search.shown import Place, Shown
from indexer.catalog.clip_filters import ClipFilters
from tests.factories import make_unit_vectors

QUERY = SearchQuery(terms=(Term(Words("a cat")),), filters=ClipFilters(collections=("pets",)))
PROGRESS = Progress(
    revision=9,
    until_id=5000,
    vectors=pinned(make_unit_vectors(1, 2)),
    spreads=np.array([0.25, 0.5]),
    offset=20,
    depth=31,
    shown=Shown(Place(-0.25, 77), np.array([80, 4000])),
    last=(77, 12),
)


def test_a_search_goes_on_where_its_cursor_says_with_the_very_same_vectors() -> None:
    spaced = replace(QUERY, terms=(Term(Words(" a  cat")),), limit=5)
    found = resume(to_word(QUERY, 3, PROGRESS), spaced, 3, (2, 8))
    assert found.vectors.tobytes() == PROGRESS.vectors.tobytes()
    assert found.shown.ahead.tolist() == [80, 4000]
    assert found.spreads.tolist() == [0.25, 0.5]
    assert (found.shown.until, found.last, found.until_id) == (Place(-0.25, 77), (77, 12), 5000)
    assert (found.offset, found.depth, found.revision) == (20, 31, 9)


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
    with pytest.raises(InvalidCursor, match="another search"):
        resume(to_word(QUERY, 3, PROGRESS), replace(QUERY, **change), 3, (2, 8))  # type: ignore[arg-type]


def test_two_pictures_are_two_searches() -> None:
    one, other = (search_digest(SearchQuery(terms=(Term(Picture(content)),))) for content in (b"1", b"2"))
    assert one != other


def test_the_cursor_of_another_generation_is_refused() -> None:
    with pytest.raises(InvalidCursor, match="another model"):
        resume(to_word(QUERY, 3, PROGRESS), QUERY, 4, (2, 8))


@pytest.mark.parametrize(
    "damage",
    [
        {"vectors": np.zeros((2, 8), np.float32)},
        {"vectors": np.full((2, 8), np.inf, np.float32)},
        {"vectors": make_unit_vectors(1, 2, 4)},
        {"spreads": np.array([0.5])},
    ],
)
def test_a_cursor_that_no_page_gave_is_refused(damage: dict[str, object]) -> None:
    word = to_word(QUERY, 3, replace(PROGRESS, **damage))  # type: ignore[arg-type]
    with pytest.raises(InvalidCursor, match="damaged"):
        resume(word, QUERY, 3, (2, 8))


def test_a_full_cursor_still_fits_into_a_url() -> None:
    vectors = pinned(make_unit_vectors(1, 1, 512))
    ahead = np.sort(np.random.default_rng(0).choice(5_000_000, 1000, replace=False))
    shown = Shown(Place(-0.25, 77), ahead)
    progress = replace(PROGRESS, vectors=vectors, spreads=np.array([0.1]), shown=shown)
    assert len(to_word(QUERY, 3, progress)) < 6500
