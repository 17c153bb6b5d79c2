"""Query parameters, read as a search."""

from typing import Any

import pytest

from app.api.search_parameters import SearchParameters
from app.confidence import Confidence
from app.errors import InvalidSearch
from app.search.asking.query import GroupBy, IndexedClip, Mode, SearchQuery, Sort, Span, Term, Words
from indexer.catalog.clip_filters import ClipFilters

CLIP, VIDEO = "c" * 32, "d" * 32


def query(*metadata: tuple[str, str], **parameters: Any) -> SearchQuery:
    return SearchParameters.model_validate(parameters).to_query(metadata)


def test_words_alone_are_a_search_with_every_default() -> None:
    assert query(q="a dog -people") == SearchQuery(
        (Term(Words("a dog")), Term(Words("people"), -0.5)), text="a dog -people"
    )


def test_every_option_arrives() -> None:
    asked = query(
        q="a dog",
        limit="5",
        cursor="x",
        mode="visual",
        group_by="video",
        sort="added_at",
        diversity="0.5",
        merge="false",
        collapse="false",
        explain="true",
        min_score="0.2",
        min_confidence="medium",
        relevant=[CLIP],
        irrelevant=["e" * 32],
    )
    assert asked == SearchQuery(
        (Term(Words("a dog")),),
        limit=5,
        cursor="x",
        mode=Mode.VISUAL,
        group_by=GroupBy.VIDEO,
        sort=Sort.ADDED_AT,
        diversity=0.5,
        merge=False,
        collapse=False,
        explain=True,
        min_score=0.2,
        min_confidence=Confidence.MEDIUM,
        relevant=(CLIP,),
        irrelevant=("e" * 32,),
        text="a dog",
    )


def test_a_clip_and_a_span_join_the_words() -> None:
    asked = query(q="at night", like_clip=CLIP, like_video=VIDEO, like_start="1.5", like_end="4")
    assert asked.terms == (Term(Words("at night")), Term(IndexedClip(CLIP)), Term(Span(VIDEO, 1.5, 4.0)))


def test_then_makes_a_sequence_of_which_q_is_the_first_step() -> None:
    asked = query(q="a dog", like_clip=CLIP, then=["a cat -people", "a bird"], within="12")
    assert asked.terms == ()
    assert asked.sequence == (
        (Term(Words("a dog")), Term(IndexedClip(CLIP))),
        (Term(Words("a cat")), Term(Words("people"), -0.5)),
        (Term(Words("a bird")),),
    )
    assert (asked.within_s, asked.text) == (12.0, "a dog → a cat -people → a bird")


def test_filters_arrive_with_conditions_on_metadata() -> None:
    asked = query(("meta.camera", "A"), ("meta.take.min", "2"), q="a dog", collection=["pets", " "])
    assert asked.filters.collections == ("pets",)
    assert [condition.key for condition in asked.filters.metadata] == ["camera", "take"]
    assert query(q="a dog").filters == ClipFilters()


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"q": "-people"}, "q"),
        ({"q": "a dog", "then": [" "]}, "then"),
        ({"then": ["a dog"]}, "q"),
        ({"q": "a dog", "like_start": 1}, "like_start"),
        ({"q": "a dog", "like_end": 1}, "like_end"),
        ({"like_video": VIDEO, "like_start": 3, "like_end": 2}, "like_end"),
        ({"q": " ".join(f"a -b{number}" for number in range(33))}, "q"),
        ({"irrelevant": [CLIP]}, "q"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(parameters: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidSearch) as caught:
        query(**parameters)
    assert caught.value.parameter == name


def test_a_sequence_can_be_typed() -> None:
    asked = query(q="a dog -people then a car within 90 s", within="5", then=["a cat"])
    assert asked.sequence == (
        (Term(Words("a dog")), Term(Words("people"), -0.5)),
        (Term(Words("a car")),),
        (Term(Words("a cat")),),
    )
    assert asked.within_s == 90
    assert query(q="a dog then a car", within="5").within_s == 5


def test_then_is_a_word_where_words_said_are_looked_for() -> None:
    assert query(q="now and then", mode="text").terms == (Term(Words("now and then")),)


@pytest.mark.parametrize("q", ["a then b then c then d then e then f", "a dog then -people"])
def test_steps_that_cannot_be_meant_are_refused_by_name(q: str) -> None:
    with pytest.raises(InvalidSearch) as refused:
        query(q=q)
    assert refused.value.parameter == "then"
