"""What may be searched for."""

import pytest

from app.search.query import SearchQuery, Term, Words


@pytest.mark.parametrize("words", ["", " \n", "x" * 10_001])
def test_words_must_say_something_in_reasonable_length(words: str) -> None:
    with pytest.raises(ValueError, match="describe a moment"):
        SearchQuery((Term(Words(words)),))


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_page_has_one_to_a_hundred_hits(limit: int) -> None:
    with pytest.raises(ValueError, match=f"limit is {limit}"):
        SearchQuery((Term(Words("a cat")),), limit=limit)
