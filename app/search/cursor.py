"""Where a search goes on: what its cursor carries.

Pages are cut by (score, id), not by counting, so that none repeats or skips a hit when the library changes
between them. A cursor is bound to its search (words and filters) and to its generation of vectors.
"""

import hashlib
import json
from dataclasses import asdict

from pydantic import Field

from app.errors import InvalidCursor
from app.opaque_cursor import WAY_OUT, Cursor, decode_cursor
from app.search.query import SearchQuery


class SearchCursor(Cursor):
    """The place after one page."""

    search: str
    """Digest of words and filters."""
    generation: int
    revision: int
    """Of the vectors when the first page was made."""
    offset: int = Field(ge=1)
    """Hits before this place."""
    score: float
    embedding_id: int
    """Score and id of the last hit before this place."""


def resume(word: str, query: SearchQuery, generation_id: int) -> SearchCursor:
    """Return the cursor that ``word`` holds; raises InvalidCursor when it is damaged or of another search."""
    cursor = decode_cursor(word, SearchCursor)
    if cursor.search != search_digest(query):
        raise InvalidCursor(f"cursor {word[:100]!r} belongs to another search: {WAY_OUT}")
    if cursor.generation != generation_id:
        raise InvalidCursor(f"cursor {word[:100]!r} belongs to another model's vectors: {WAY_OUT}")
    return cursor


def search_digest(query: SearchQuery) -> str:
    """Return a digest of all that decides the ranking; two searches of one digest have the same pages."""
    content = [" ".join(query.words.split()), query.min_score, asdict(query.filters)]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]
