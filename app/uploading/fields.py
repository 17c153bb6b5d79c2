"""What may be said of a video when it comes: in a form, with a resumable upload, or with a path."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from app.calendar_time import CalendarTime
from app.display_name import visible_text
from indexer.catalog.videos import Said
from indexer.cue_text import MAX_LANGUAGE_CHARACTERS, language_of


def _visible(value: object) -> object:
    return visible_text(value) if isinstance(value, str) else value  # JSON may hold anything


VisibleText = Annotated[str, BeforeValidator(_visible)]


def _finite(value: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise PydanticCustomError(
            "not_finite", "NaN and infinity are not JSON: use a number or null"
        ) from error
    return value


def _iso_time(text: object) -> datetime:
    """Return the time; pydantic alone would take a number too, as seconds since 1970."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError as error:
        raise PydanticCustomError(
            "not_iso_8601", "write it as ISO 8601 with a time zone, as 2026-05-17T09:30:00Z"
        ) from error


def _language(tag: str) -> str:
    if language_of(tag) is None:
        raise PydanticCustomError("not_a_language", "write a language tag, as en, deu or pt-BR")
    return tag


SubtitleLanguage = Annotated[
    str,
    AfterValidator(_language),
    Field(max_length=MAX_LANGUAGE_CHARACTERS, description="Language of the subtitles, as en, deu or pt-BR"),
]


Metadata = Annotated[dict[str, Any], AfterValidator(_finite)]


class VideoFields(BaseModel):
    """What may be said of any video."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[
        VisibleText | None, Field(max_length=500, description="Shown name; the file's name when not given")
    ] = None
    collection: Annotated[VisibleText | None, Field(max_length=200, description="Group to search in")] = None
    recorded_at: Annotated[
        Annotated[CalendarTime, BeforeValidator(_iso_time)] | None,
        Field(description="ISO 8601 with a time zone, as 2026-05-17T09:30:00Z"),
    ] = None


class UploadFields(VideoFields):
    """The fields beside the file."""

    metadata: Annotated[
        Json[Metadata] | None,
        Field(description="A JSON object of your own, given back with each hit"),
    ] = None
    subtitles_language: SubtitleLanguage | None = None

    @property
    def said(self) -> Said:
        """Return the same for the catalog."""
        return Said(self.title, self.collection, self.recorded_at, self.metadata or {})


def invalid_field(name: str, kind: str, message: str, value: str | None = None) -> RequestValidationError:
    """Return the error for one field of the body."""
    return RequestValidationError([{"type": kind, "loc": ("body", name), "msg": message, "input": value}])


def invalid_header(name: str, kind: str, message: str, value: str | None) -> RequestValidationError:
    """Return the error for a header."""
    return RequestValidationError([{"type": kind, "loc": ("header", name), "msg": message, "input": value}])


def validated_fields(texts: dict[str, str]) -> UploadFields:
    """Return what the texts say; raises RequestValidationError naming each field that is wrong."""
    given = {name: text for name, text in texts.items() if text}  # a browser sends empty fields too
    try:
        return UploadFields.model_validate(given)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise RequestValidationError(found) from error
