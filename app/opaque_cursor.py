"""Cursors of lists: a small record as one opaque word, so that clients pass it on and never make one."""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from app.errors import InvalidCursor
from app.schemas import PageInfo

WAY_OUT = "take next_cursor from the page before, with the same parameters, or leave cursor out"

MAX_BYTES = 100_000
"""Of a record. A short word could unpack to any length."""

HEADERLESS = -zlib.MAX_WBITS
"""Six bytes less of every word; what is damaged is no record either."""


class Cursor(BaseModel):
    """Base of the records: nothing beside the fields, nothing converted."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


CursorType = TypeVar("CursorType", bound=Cursor)
Entry = TypeVar("Entry")


def encode_cursor(cursor: Cursor) -> str:
    """Return the cursor as a word for a URL."""
    packed = zlib.compress(cursor.model_dump_json().encode(), wbits=HEADERLESS)
    return urlsafe_b64encode(packed).decode().rstrip("=")


def decode_cursor(word: str, kind: type[CursorType]) -> CursorType:
    """Return the cursor that ``word`` holds; raises InvalidCursor when it is damaged or of another list."""
    try:
        packed = urlsafe_b64decode(word + "=" * (-len(word) % 4))
        return kind.model_validate_json(zlib.decompressobj(HEADERLESS).decompress(packed, MAX_BYTES))
    except (ValueError, zlib.error) as error:
        raise InvalidCursor(f"cursor {word[:100]!r} is damaged or of another list: {WAY_OUT}") from error


def page_info(found: Sequence[Entry], limit: int, cursor_of: Callable[[Entry], Cursor]) -> PageInfo:
    """Return where a list goes on: ``found`` has one entry more than the page's ``limit`` if it does."""
    next_cursor = encode_cursor(cursor_of(found[limit - 1])) if len(found) > limit else None
    return PageInfo(limit=limit, next_cursor=next_cursor)
