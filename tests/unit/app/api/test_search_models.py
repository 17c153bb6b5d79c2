"""A search as JSON."""

import json
from typing import Any

import pytest

from app.api.search_models import SearchBody
from app.errors import InvalidSearch
from app.search.asking.query import IndexedClip, Picture, SearchQuery, Span, Term, Words
from indexer.catalog.metadata_conditions import MetadataCondition

CLIP, VIDEO = "c" * 32, "d" * 32


def query(body: dict[str, Any], *images: bytes) -> SearchQuery:
    return SearchBody.model_validate_json(json.dumps(body)).to_query(list(images))


def test_terms_carry_weights_and_their_dashes_mean_nothing() -> None:
    asked = query(
        {
            "q": "a dog -people",
            "terms": [
                {"words": "-at night-", "weight": 2},
                {"clip": CLIP, "weight": -0.3},
                {"video": VIDEO, "start": 1, "end": 2.5},
                {"video": VIDEO},
            ],
        }
    )
    assert asked.terms == (
        Term(Words("a dog")),
        Term(Words("people"), -0.5),
        Term(Words("-at night-"), 2.0),
        Term(IndexedClip(CLIP), -0.3),
        Term(Span(VIDEO, 1.0, 2.5)),
        Term(Span(VIDEO)),
    )


def test_images_are_named_by_their_place_and_unnamed_ones_are_terms_themselves() -> None:
    asked = query({"terms": [{"image": 1, "weight": -1}]}, b"first", b"second", b"third")
    assert asked.terms == (
        Term(Picture(b"second"), -1.0),
        Term(Picture(b"first")),
        Term(Picture(b"third")),
    )


def test_steps_of_a_sequence_have_terms_and_images_too() -> None:
    asked = query({"q": "a dog", "then": [{"terms": [{"image": 0}]}, {"q": "a cat"}]}, b"first", b"second")
    assert asked.sequence == (
        (Term(Words("a dog")), Term(Picture(b"second"))),
        (Term(Picture(b"first")),),
        (Term(Words("a cat")),),
    )


def test_metadata_is_filtered_by_values_lists_and_ranges() -> None:
    metadata = {"camera": 2, "dry": True, "tags": ["sea", "night"], "take": {"min": 1, "max": 5.5}}
    asked = query({"q": "a dog", "filters": {"collection": ["pets"], "metadata": metadata}})
    assert asked.filters.collections == ("pets",)
    assert asked.filters.metadata == (
        MetadataCondition("camera", ("2",)),
        MetadataCondition("dry", ("true",)),
        MetadataCondition("tags", ("sea", "night")),
        MetadataCondition("take", (), "1", "5.5"),
    )


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, "q"),
        ({"terms": [{}]}, "terms"),
        ({"terms": [{"weight": 2}]}, "terms"),
        ({"terms": [{"words": "a dog", "clip": CLIP}]}, "terms"),
        ({"terms": [{"words": "a dog", "start": 2}]}, "terms.start"),
        ({"terms": [{"image": 1}]}, "terms.image"),
        ({"terms": [{"words": "a dog", "weight": 0}]}, "terms.weight"),
        ({"terms": [{"words": "a dog", "weight": -1}]}, "q"),
        ({"q": "a dog", "then": [{}]}, "then"),
        ({"q": "a dog", "filters": {"metadata": {"take": {}}}}, "filters.metadata.take"),
        ({"q": "a dog", "filters": {"metadata": {"take": []}}}, "filters.metadata.take"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(body: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidSearch) as caught:
        query(body, *([b"only"] if "terms" in body and "image" in body["terms"][0] else []))
    assert caught.value.parameter == name
