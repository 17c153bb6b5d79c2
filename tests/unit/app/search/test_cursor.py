"""What a search cursor is bound to."""

import pytest

from app.errors import InvalidCursor
from app.opaque_cursor import encode_cursor
from app.search.cursor import SearchCursor, resume, search_digest
from app.search.query import SearchQuery, Term, Words
from indexer.catalog.clip_filters import ClipFilters

CAT, DOG = (Term(Words("a cat")),), (Term(Words("a dog")),)
QUERY = SearchQuery(CAT, text="a cat", filters=ClipFilters(collection="pets"))
CURSOR = SearchCursor(
    search=search_digest(QUERY), generation=3, revision=9, offset=20, score=0.25, embedding_id=77
)


def test_a_search_goes_on_where_its_cursor_says() -> None:
    spaced = SearchQuery(CAT, text=" a  cat", limit=5, filters=QUERY.filters)
    assert resume(encode_cursor(CURSOR), spaced, 3) == CURSOR


@pytest.mark.parametrize(
    "other",
    [
        SearchQuery(CAT, text="a cat"),
        SearchQuery(DOG, text="a dog", filters=QUERY.filters),
        SearchQuery(CAT, text="a cat", min_score=0.1),
    ],
)
def test_the_cursor_of_another_search_is_refused(other: SearchQuery) -> None:
    with pytest.raises(InvalidCursor, match="another search"):
        resume(encode_cursor(CURSOR), other, 3)


def test_the_cursor_of_another_generation_is_refused() -> None:
    with pytest.raises(InvalidCursor, match="another model"):
        resume(encode_cursor(CURSOR), QUERY, 4)
