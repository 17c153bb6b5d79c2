"""Filters as a request gives them become conditions, or an error that names the parameter."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from app.errors import InvalidSearch
from app.search.asking.filters import FilterFields, clip_filters_of, metadata_conditions
from indexer.catalog.clip_filters import ClipFilters
from indexer.catalog.metadata_conditions import MetadataCondition

MAY = datetime(2026, 5, 17, tzinfo=UTC)


def filters_of(*metadata: tuple[str, str], **fields: Any) -> ClipFilters:
    """Return the filters of fields as they come."""
    return clip_filters_of(FilterFields.model_validate(fields), metadata)


def test_nothing_given_demands_nothing() -> None:
    assert filters_of() == ClipFilters()
    assert filters_of(collection=["", " \0 "]) == ClipFilters()


def test_each_field_is_handed_on() -> None:
    assert filters_of(
        ("meta.camera", "A"),
        collection=[" pets ", "cars"],
        video_id=["0" * 32],
        recorded_after="2026-05-17",
        recorded_before="2026-05-18T02:00:00+02:00",
        added_after="2026-05-17T00:00:00Z",
        added_before="2026-05-18T02:00:00 02:00",
        min_duration="1.5",
        max_duration=20,
        path_prefix="/videos/50%_off",
    ) == ClipFilters(
        collections=("pets", "cars"),
        video_ids=("0" * 32,),
        recorded_after=MAY,
        recorded_before=datetime(2026, 5, 18, 2, tzinfo=timezone(timedelta(hours=2))),
        added_after=MAY,
        added_before=datetime(2026, 5, 18, tzinfo=UTC),
        min_duration_s=1.5,
        max_duration_s=20.0,
        path_prefix="/videos/50%_off",
        metadata=(MetadataCondition("camera", ("A",)),),
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("video_id", ["x"]), ("collection", ["a"] * 101), ("collection", ["a" * 201])),
        *(
            ("recorded_after", "yesterday"),
            ("recorded_after", "2026-05-17T09:30"),
            ("added_after", 1_700_000_000),
        ),
        *(("recorded_before", "0001-01-01"), ("added_before", "2026-13-01")),
        *(("min_duration", -1), ("max_duration", "nan"), ("max_duration", "inf")),
        *(
            ("path_prefix", "videos"),
            ("path_prefix", ""),
            ("path_prefix", "/a\0b"),
            ("path_prefix", "/\ud800"),
        ),
    ],
)
def test_a_field_that_cannot_be_meant_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refusal:
        filters_of(**{field: value})
    assert refusal.value.errors()[0]["loc"][0] == field


@pytest.mark.parametrize("name", ["recorded", "added"])
def test_a_span_of_time_that_is_empty_is_refused(name: str) -> None:
    with pytest.raises(InvalidSearch, match="give a later time") as refusal:
        filters_of(**{f"{name}_after": MAY, f"{name}_before": MAY})
    assert refusal.value.parameter == f"{name}_before"


def test_durations_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(InvalidSearch, match="less than min_duration") as refusal:
        filters_of(min_duration=2, max_duration=1)
    assert refusal.value.parameter == "max_duration"


def test_values_of_a_key_are_alternatives_and_bounds_join_them() -> None:
    pairs = [
        *(("meta.camera", "A"), ("meta.take.min", "2"), ("meta.camera", "B"), ("meta.take.max", "5")),
        *(("meta.a.b", "dots are part of a key"), ("meta.take", "3"), ("meta.min", "a key of that name")),
    ]
    assert metadata_conditions(pairs) == (
        MetadataCondition("camera", ("A", "B")),
        MetadataCondition("a.b", ("dots are part of a key",)),
        MetadataCondition("take", ("3",), "2", "5"),
        MetadataCondition("min", ("a key of that name",)),
    )


@pytest.mark.parametrize(
    ("pairs", "parameter", "reason"),
    [
        ([("meta.", "A")], "meta.", "key is empty"),
        ([("meta.camera", "")], "meta.camera", "value is empty"),
        ([("meta.take.min", "1"), ("meta.take.min", "2")], "meta.take.min", "given twice"),
        ([("meta.take.min", "9"), ("meta.take.max", "10a")], "meta.take.max", "cannot be compared"),
        ([("meta.take.min", "9"), ("meta.take.max", "8")], "meta.take.max", "swap them"),
        ([("meta.camera", "a\0")], "meta.camera", "no text can be stored"),
        ([("meta.\ud800", "a")], "meta.\ud800", "no text can be stored"),
        ([("meta.camera", "a" * 1001)], "meta.camera", "shorten it"),
        ([("meta.camera", "a")] * 101, "meta.camera", "at most 100"),
        ([(f"meta.{number}", "a") for number in range(21)], "meta.20", "at most 20"),
    ],
)
def test_metadata_that_cannot_be_meant_is_refused_by_name(
    pairs: list[tuple[str, str]], parameter: str, reason: str
) -> None:
    with pytest.raises(InvalidSearch, match=reason) as refusal:
        metadata_conditions(pairs)
    assert refusal.value.parameter == parameter
