"""What may be searched for."""

from typing import Any

import pytest

from app.errors import InvalidSearch
from app.search.asking.query import IndexedClip, SearchQuery, Span, Term, Words

CAT, NO_DOG = Term(Words("a cat")), Term(Words("a dog"), -1.0)


@pytest.mark.parametrize("words", ["", " \n", "x" * 10_001])
def test_words_must_say_something_in_reasonable_length(words: str) -> None:
    with pytest.raises(InvalidSearch, match="describe a moment"):
        SearchQuery((Term(Words(words)),))


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_page_has_one_to_a_hundred_hits(limit: int) -> None:
    with pytest.raises(InvalidSearch, match=f"limit is {limit}"):
        SearchQuery((CAT,), limit=limit)


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ({}, "q"),
        ({"terms": (NO_DOG,)}, "q"),
        ({"irrelevant": ("a",)}, "q"),
        ({"terms": (CAT,) * 33}, "terms"),
        ({"terms": (Term(Words("a cat"), 0.0),)}, "terms.weight"),
        ({"terms": (Term(Words("a cat"), 10.5),)}, "terms.weight"),
        ({"terms": (Term(Words("a cat"), float("nan")),)}, "terms.weight"),
        ({"terms": (CAT, Term(Words("a dog"), float("-inf")))}, "terms.weight"),
        ({"terms": (Term(Span("v", -1.0)),)}, "like_start"),
        ({"terms": (Term(Span("v", 2.0, 2.0)),)}, "like_end"),
        ({"terms": (Term(Span("v", 0.0, float("nan"))),)}, "like_end"),
        ({"sequence": ((CAT,),)}, "then"),
        ({"sequence": ((CAT,),) * 6}, "then"),
        ({"sequence": ((CAT,), ())}, "then"),
        ({"sequence": ((), (CAT,))}, "q"),
        ({"sequence": ((CAT,), (NO_DOG,))}, "then"),
        ({"sequence": ((CAT,), (Term(Words(" ")),))}, "then"),
        ({"sequence": ((CAT,), (CAT,)), "terms": (CAT,)}, "then"),
        ({"sequence": ((CAT,), (CAT,)), "relevant": ("a",)}, "then"),
        ({"sequence": ((CAT,), (CAT,)), "within_s": -1.0}, "within"),
        ({"terms": (CAT,), "diversity": 1.1}, "diversity"),
        ({"terms": (CAT,), "diversity": float("nan")}, "diversity"),
        ({"terms": (CAT,), "min_score": 1.1}, "min_score"),
        ({"relevant": tuple(map(str, range(101)))}, "relevant"),
        ({"terms": (CAT,), "relevant": ("a",), "irrelevant": ("a",)}, "irrelevant"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_the_name_of_its_parameter(
    fields: dict[str, Any], parameter: str
) -> None:
    with pytest.raises(InvalidSearch) as caught:
        SearchQuery(**fields)
    assert caught.value.parameter == parameter


@pytest.mark.parametrize(
    "fields",
    [
        {"terms": (CAT, NO_DOG)},
        {"terms": (NO_DOG,), "relevant": ("a",)},
        {"relevant": ("a",), "irrelevant": ("b",)},
        {"terms": (Term(IndexedClip("a")),)},
        {"terms": (Term(Span("v")), Term(Span("v", 1.0)), Term(Span("v", None, 2.0)))},
        {"sequence": ((CAT,), (CAT, NO_DOG))},
        {"sequence": ((CAT,),) * 5, "within_s": 0.0},
    ],
)
def test_one_wanted_example_a_step_is_enough(fields: dict[str, Any]) -> None:
    SearchQuery(**fields)
