"""The form of ``POST /videos``: a file and, before or after it, subtitles and fields that describe it."""

from collections.abc import Iterator
from typing import Any

from app.uploading.fields import UploadFields, invalid_field, validated_fields
from app.uploading.multipart import MultipartReader, Part
from indexer.errors import NotSubtitles
from indexer.subtitle_file import Subtitles, parse_subtitles, require_length

MAX_FIELD_BYTES = 64 * 1024

FILE_FIELD = "file"
SUBTITLES_FIELD = "subtitles"


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
