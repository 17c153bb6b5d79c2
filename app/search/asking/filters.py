"""Filters as a request gives them: the fixed ones, and any number on the videos' own metadata."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError
from sqlalchemy.orm import Session

from app.calendar_time import CalendarTime
from app.display_name import visible_text
from app.errors import InvalidSearch
from indexer.catalog.clip_filters import ClipFilters, video_ids_where
from indexer.catalog.metadata_conditions import MetadataCondition, has_metadata_key, metadata_keys

METADATA_PREFIX = "meta."

MAX_NAMES = 100
"""Of collections, of videos, and of values of one metadata key."""

MAX_CONDITIONS = 20

MAX_CHARACTERS = 1000
"""Of a metadata key, a value or a bound: nobody types more."""

MAX_PATH_CHARACTERS = 4096
"""PATH_MAX of Linux."""

NEAREST_KEYS = 3
FEW_KEYS = 10
"""A library with no more keys than this has all of them named when none is near."""


def _time(given: object) -> datetime:
    """Return the time that ISO 8601 text says; a day begins at midnight UTC.

    A plus sign that an address turned into a blank is read as what was meant.
    """
    text = re.sub(r"(T.*) (\d{2}:?\d{2})$", r"\1+\2", str(given).strip())
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        message = "write it as ISO 8601: a day as 2026-05-17, or a time with its zone as 2026-05-17T09:30:00Z"
        raise PydanticCustomError("not_iso_8601", "{message}", {"message": message}) from error
    return time.replace(tzinfo=UTC) if "T" not in text and len(text) <= len("2026-05-17") else time


def _without_blank(names: list[str]) -> list[str]:
    return [name for given in names if (name := visible_text(given))]


def _absolute(path: str) -> str:
    if not path.startswith("/") or not _is_storable(path):
        raise PydanticCustomError("not_absolute", "write the whole path from / on, as /videos/holidays")
    return path


Name = Annotated[str, Field(max_length=200)]
HexId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
Time = Annotated[CalendarTime, BeforeValidator(_time)]
Duration = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class FilterFields(BaseModel):
    """What the video of a hit must be; fields left out demand nothing."""

    collection: Annotated[
        list[Name],
        AfterValidator(_without_blank),
        Field(max_length=MAX_NAMES, description="Only videos of these collections; of all, when empty"),
    ] = []
    video_id: Annotated[list[HexId], Field(max_length=MAX_NAMES, description="Only these videos")] = []
    recorded_after: Annotated[Time | None, Field(description="Recorded at this time or later")] = None
    recorded_before: Annotated[Time | None, Field(description="Recorded before this time")] = None
    added_after: Annotated[Time | None, Field(description="Added at this time or later")] = None
    added_before: Annotated[Time | None, Field(description="Added before this time")] = None
    min_duration: Annotated[Duration | None, Field(description="Videos of so many seconds or more")] = None
    max_duration: Annotated[Duration | None, Field(description="Videos of so many seconds or fewer")] = None
    path_prefix: Annotated[
        Annotated[str, AfterValidator(_absolute)] | None,
        Field(
            max_length=MAX_PATH_CHARACTERS,
            description="Only files indexed in place in this folder and below it, or this file; no uploads",
        ),
    ] = None


def clip_filters_of(fields: FilterFields, metadata: Sequence[tuple[str, str]]) -> ClipFilters:
    """Return what ``fields`` demand together with ``metadata``, as ``metadata_conditions`` takes it.

    Raises InvalidSearch for ranges that nothing lies in.
    """
    for name in ("recorded", "added"):
        after, before = getattr(fields, f"{name}_after"), getattr(fields, f"{name}_before")
        if after is not None and before is not None and after >= before:
            message = (
                f"{before.isoformat()} is not after {name}_after, {after.isoformat()}: give a later time"
            )
            raise InvalidSearch(f"{name}_before", message, before.isoformat())
    low, high = fields.min_duration, fields.max_duration
    if low is not None and high is not None and low > high:
        message = f"{high:g} s is less than min_duration, {low:g} s: give more"
        raise InvalidSearch("max_duration", message, high)
    return ClipFilters(
        collections=tuple(fields.collection),
        video_ids=tuple(fields.video_id),
        recorded_after=fields.recorded_after,
        recorded_before=fields.recorded_before,
        added_after=fields.added_after,
        added_before=fields.added_before,
        min_duration_s=fields.min_duration,
        max_duration_s=fields.max_duration,
        path_prefix=fields.path_prefix,
        metadata=metadata_conditions(metadata),
    )


def metadata_conditions(pairs: Sequence[tuple[str, str]]) -> tuple[MetadataCondition, ...]:
    """Return the conditions that parameters ``meta.KEY``, ``meta.KEY.min`` and ``meta.KEY.max`` make.

    Several values of a key are alternatives; different keys must all be met. Raises InvalidSearch.
    """
    values: dict[str, list[str]] = defaultdict(list)
    bounds: dict[str, dict[str, str]] = defaultdict(dict)
    for name, text in pairs:
        key, bound = _parted(name)
        _check_text(name, key, text)
        if not bound:
            values[key].append(text)
        elif bound in bounds[key]:
            raise InvalidSearch(name, "given twice: give one bound", text)
        else:
            bounds[key][bound] = text
    keys = list(dict.fromkeys([*values, *bounds]))
    if len(keys) > MAX_CONDITIONS:
        raise InvalidSearch(METADATA_PREFIX + keys[-1], f"{len(keys)} keys: give at most {MAX_CONDITIONS}")
    return tuple(_condition(key, values[key], bounds[key]) for key in keys)


def allowed_videos(session: Session, filters: ClipFilters) -> list[str] | None:
    """Return the ids of the videos that pass; None when ``filters`` demand nothing.

    Raises InvalidSearch for a metadata key that no video has, naming the nearest ones there are.
    """
    video_ids = video_ids_where(session, filters)
    if video_ids == []:  # whoever passes has each key, so only now may one be unknown
        for condition in filters.metadata:
            if not has_metadata_key(session, condition.key):
                raise _unknown_key(condition.key, metadata_keys(session))
    return video_ids


def _parted(name: str) -> tuple[str, str]:
    """Return the metadata key that a parameter names and which bound of it: "min", "max" or none."""
    path = name.removeprefix(METADATA_PREFIX)
    key, dot, last = path.rpartition(".")
    return (key, last) if dot and last in {"min", "max"} else (path, "")


def _check_text(name: str, key: str, text: str) -> None:
    if not key or not text:
        example = "write meta.KEY=VALUE, meta.KEY.min=LEAST or meta.KEY.max=MOST, or leave it out"
        raise InvalidSearch(name, f"the {'value' if key else 'key'} is empty: {example}", text)
    if len(key) > MAX_CHARACTERS or len(text) > MAX_CHARACTERS:
        raise InvalidSearch(
            name[:MAX_CHARACTERS], f"longer than {MAX_CHARACTERS} characters: shorten it", text
        )
    if not _is_storable(key) or not _is_storable(text):
        raise InvalidSearch(name, "holds a character that no text can be stored with: leave it out")


def _is_storable(text: str) -> bool:
    """Return whether both databases can be asked for ``text``: without NUL and halves of surrogate pairs."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _condition(key: str, values: list[str], bounds: dict[str, str]) -> MetadataCondition:
    name = METADATA_PREFIX + key
    if len(values) > MAX_NAMES:
        raise InvalidSearch(name, f"{len(values)} values: give at most {MAX_NAMES}", len(values))
    try:
        return MetadataCondition(key, tuple(values), bounds.get("min"), bounds.get("max"))
    except ValueError as error:
        raise InvalidSearch(f"{name}.max", str(error), bounds.get("max")) from error


def _unknown_key(key: str, known: list[str]) -> InvalidSearch:
    near = get_close_matches(key, known, n=NEAREST_KEYS)
    if near:
        way_out = f"the nearest are {', '.join(map(repr, near))}"
    elif 0 < len(known) <= FEW_KEYS:
        way_out = f"there are {', '.join(map(repr, known))}"
    else:
        way_out = "GET /videos shows the metadata of each" if known else "no video has any metadata"
    return InvalidSearch(METADATA_PREFIX + key, f"no video has the metadata key {key!r}: {way_out}", key)
