"""Cursors of lists: a small record as one opaque word, so that clients pass it on and never make one."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from app.errors import InvalidCursor

WAY_OUT = "take next_cursor from the page before, with the same parameters, or leave cursor out"


class Cursor(BaseModel):
    """Base of the records: nothing beside the fields, nothing converted."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


CursorType = TypeVar("CursorType", bound=Cursor)


def encode_cursor(cursor: Cursor) -> str:
    """Return the cursor as a word for a URL."""
    return urlsafe_b64encode(cursor.model_dump_json().encode()).decode().rstrip("=")


def decode_cursor(word: str, kind: type[CursorType]) -> CursorType:
    """Return the cursor that ``word`` holds; raises InvalidCursor when it is damaged or of another list."""
    try:
        return kind.model_validate_json(urlsafe_b64decode(word + "=" * (-len(word) % 4)))
    except ValueError as error:
        raise InvalidCursor(f"cursor {word[:100]!r} is damaged or of another list: {WAY_OUT}") from error
