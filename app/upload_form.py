"""The form of ``POST /videos``: a file and, before or after it, subtitles and fields that describe it."""

import json
from collections.abc import Iterator
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
from app.multipart import MultipartReader, Part
from indexer.cue_text import MAX_LANGUAGE_CHARACTERS, language_of
from indexer.errors import NotSubtitles
from indexer.subtitle_file import Subtitles, parse_subtitles, require_length

MAX_FIELD_BYTES = 64 * 1024

FILE_FIELD = "file"
SUBTITLES_FIELD = "subtitles"


VisibleText = Annotated[str, BeforeValidator(visible_text)]


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


class UploadFields(BaseModel):
    """The fields beside the file."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[
        VisibleText | None, Field(max_length=500, description="Shown name; the file's name when not given")
    ] = None
    collection: Annotated[VisibleText | None, Field(max_length=200, description="Group to search in")] = None
    recorded_at: Annotated[
        Annotated[CalendarTime, BeforeValidator(_iso_time)] | None,
        Field(description="ISO 8601 with a time zone, as 2026-05-17T09:30:00Z"),
    ] = None
    metadata: Annotated[
        Json[Annotated[dict[str, Any], AfterValidator(_finite)]] | None,
        Field(description="A JSON object of your own, given back with each hit"),
    ] = None
    subtitles_language: SubtitleLanguage | None = None


class UploadForm:
    """One form, read while it arrives: first up to its file, then the file, then what follows."""

    def __init__(self, reader: MultipartReader) -> None:
        self._parts = reader.parts()
        self._texts: dict[str, str] = {}
        self.fields = UploadFields()
        """What the fields say; complete once the file's data is taken to its end."""
        self.subtitles: Subtitles | None = None
        """What the subtitles say, if any came; complete likewise."""
        self._subtitles: bytes | None = None

    def file(self) -> Part:
        """Return the file, its data still to be taken; raises RequestValidationError when there is none.

        The data ends only after the rest of the form was read and found valid, so that whoever stores it
        hears of a fault anywhere in the form before the file is in its place. Raises NotSubtitles likewise.
        """
        for part in self._parts:
            if part.name == FILE_FIELD and part.filename is not None:
                return Part(part.name, part.filename, self._data_and_rest(part))
            self._take_field(part)
        raise invalid_field(FILE_FIELD, "missing", "send the video in a part of this name, with a filename")

    def _data_and_rest(self, file: Part) -> Iterator[bytes]:
        yield from file.data
        for part in self._parts:
            self._take_field(part)
        self.fields = validated_fields(self._texts)
        if self._subtitles:
            self.subtitles = parse_subtitles(self._subtitles, self.fields.subtitles_language)

    def _take_field(self, part: Part) -> None:
        if part.name == SUBTITLES_FIELD:
            self._take_subtitles(part)
            return
        if part.name == FILE_FIELD or part.filename is not None:
            message = f"must be a single file in the part {FILE_FIELD!r}: send one video a form"
            raise invalid_field(part.name, "unexpected_file", message, part.filename)
        if part.name in self._texts:
            raise invalid_field(part.name, "repeated", "is given twice: send it once")
        value = part.text(MAX_FIELD_BYTES)
        self._texts[part.name] = value

    def _take_subtitles(self, part: Part) -> None:
        if self._subtitles is not None:
            raise invalid_field(part.name, "repeated", "is given twice: send it once")
        content = take_subtitles(part.data)
        if not content and part.filename:
            raise NotSubtitles(f"{part.filename!r} is empty: send SubRip (.srt) or WebVTT (.vtt)")
        self._subtitles = content or None  # a browser sends a part without name for no file


def take_subtitles(chunks: Iterator[bytes]) -> bytes:
    """Return the bytes of a subtitle file; raises NotSubtitles as soon as they are too many."""
    content = bytearray()
    for chunk in chunks:
        content += chunk
        require_length(len(content))
    return bytes(content)


def upload_body_docs() -> dict[str, Any]:
    """Return the OpenAPI ``requestBody`` of the form, which FastAPI cannot derive as it never sees it."""
    schema = UploadFields.model_json_schema()
    video = {"type": "string", "format": "binary", "description": "The video, in any container"}
    subtitles = {"type": "string", "format": "binary", "description": "What is said in it: SubRip or WebVTT"}
    schema["properties"] = {FILE_FIELD: video, SUBTITLES_FIELD: subtitles, **schema["properties"]}
    schema["required"] = [FILE_FIELD]
    schema["title"] = "UploadForm"
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def invalid_field(name: str, kind: str, message: str, value: str | None = None) -> RequestValidationError:
    """Return the error for one field of the form."""
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
