"""Where a search goes on: what its cursor carries.

Every page is made in the library of the first one, with the vectors of the first one: what is added later has
higher ids and is left out, and the background that vectors are corrected by may change meanwhile. A cursor
names the clips that were shown (see ``shown``) and is bound to its search and to its generation of vectors.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from app.errors import InvalidCursor
from app.opaque_cursor import WAY_OUT, Cursor, decode_cursor, encode_cursor
from app.search.query import SearchQuery
from app.search.shown import Place, Shown, pack_ids, unpack_ids

PAGING = ("limit", "cursor", "explain", "text")
"""Fields of a query that change nothing about the order of its hits."""

PINNED_DTYPE = np.dtype("<f2")
"""Half precision: a kilobyte of cursor for 512 dimensions, and as exact as the clips' own vectors."""


class SearchCursor(Cursor):
    """The place after one page."""

    search: str
    """Digest of the query."""
    generation: int
    revision: int
    """Of the vectors when the first page was made."""
    until_id: int = Field(ge=0)
    """The newest clip then."""
    offset: int = Field(ge=1)
    """Hits before this place."""
    depth: int = Field(ge=0)
    """Places of the ranking before this one."""
    vectors: str
    """What is looked for, (S, D)."""
    spreads: list[float]
    """(S,)"""
    until: tuple[float, int] | None
    """Score and id of the last clip up to which all were shown."""
    ahead: str
    """Clips behind it that were shown too."""
    last: list[int] = Field(max_length=100)
    """Clips that led the last hits."""


@dataclass(frozen=True)
class Progress:
    """How far the pages before have come; the first page starts with ``at_the_start``."""

    revision: int
    until_id: int
    vectors: NDArray[np.float32]  # (S, D) unit
    spreads: NDArray[np.float64]  # (S,)
    offset: int = 0
    depth: int = 0
    shown: Shown = field(default_factory=Shown)
    last: tuple[int, ...] = ()


def pinned(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return unit vectors (S, D) as a cursor gives them back, for the first page to use the same ones."""
    rounded = vectors.astype(PINNED_DTYPE).astype(np.float32)
    unit: NDArray[np.float32] = rounded / np.linalg.norm(rounded, axis=1, keepdims=True)
    return unit


def to_word(query: SearchQuery, generation_id: int, progress: Progress) -> str:
    """Return the cursor behind a page."""
    until = progress.shown.until
    return encode_cursor(
        SearchCursor(
            search=search_digest(query),
            generation=generation_id,
            revision=progress.revision,
            until_id=progress.until_id,
            offset=progress.offset,
            depth=progress.depth,
            vectors=urlsafe_b64encode(progress.vectors.astype(PINNED_DTYPE).tobytes()).decode(),
            spreads=progress.spreads.tolist(),
            until=(until.score, until.embedding_id) if until else None,
            ahead=pack_ids(progress.shown.ahead),
            last=list(progress.last),
        )
    )


def resume(word: str, query: SearchQuery, generation_id: int, shape: tuple[int, int]) -> Progress:
    """Return how far the pages before ``word`` have come; ``shape`` (S, D) is that of the vectors.

    Raises InvalidCursor when it is damaged or of another search or model.
    """
    cursor = decode_cursor(word, SearchCursor)
    if cursor.search != search_digest(query):
        raise InvalidCursor(f"cursor {word[:100]!r} belongs to another search: {WAY_OUT}")
    if cursor.generation != generation_id:
        raise InvalidCursor(f"cursor {word[:100]!r} belongs to another model's vectors: {WAY_OUT}")
    try:
        return _progress(cursor, shape)
    except ValueError as error:
        raise InvalidCursor(f"cursor {word[:100]!r} is damaged: {WAY_OUT}") from error


def _progress(cursor: SearchCursor, shape: tuple[int, int]) -> Progress:
    """Return what a cursor tells; raises ValueError when it cannot be true."""
    stored = np.frombuffer(urlsafe_b64decode(cursor.vectors), PINNED_DTYPE).reshape(shape)
    vectors = stored.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if len(cursor.spreads) != len(vectors) or not (np.isfinite(lengths) & (lengths > 0)).all():
        raise ValueError("no unit vectors")
    until = Place(-cursor.until[0], cursor.until[1]) if cursor.until else None
    return Progress(
        revision=cursor.revision,
        until_id=cursor.until_id,
        vectors=vectors / lengths,
        spreads=np.array(cursor.spreads, np.float64),
        offset=cursor.offset,
        depth=cursor.depth,
        shown=Shown(until, unpack_ids(cursor.ahead)),
        last=tuple(cursor.last),
    )


def search_digest(query: SearchQuery) -> str:
    """Return a digest of all that decides the ranking; two searches of one digest have the same pages."""
    fields = {name: value for name, value in vars(query).items() if name not in PAGING}
    return hashlib.sha256(_told(fields).encode()).hexdigest()[:16]


def _told(value: object) -> str:
    """Return a text that tells values apart: types and fields by name, pictures by digest, words by words."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{_told(one)}" for name, one in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ",".join(map(_told, value)) + ")"
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, str):
        return repr(" ".join(value.split()))
    if hasattr(value, "__dataclass_fields__"):
        return type(value).__name__ + _told(vars(value))
    return repr(value)
