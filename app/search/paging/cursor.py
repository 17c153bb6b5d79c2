"""Where a search goes on: what its cursor carries.

Every page is made in the library of the first one: what is added later has higher ids and is left out. What
is looked for is worked out again from the search, but for vectors that the library has a say in, as sums of
examples and what was judged: they are carried, with the yardsticks that scores are measured by. A cursor
names the clips that were shown (see ``shown``) and is bound to its search and to its generation of vectors.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from app.confidence import QueryLevel
from app.errors import InvalidCursor
from app.opaque_cursor import WAY_OUT, Cursor, decode_cursor, encode_cursor
from app.search.asking.query import SearchQuery
from app.search.asking.target import Target
from app.search.paging.shown import Place, Shown, ids_of_steps, steps_of
from model.calibration.reach import Reach

PAGING = ("limit", "cursor", "explain", "text")
"""Fields of a query that change nothing about the order of its hits."""

CARRIED_DTYPE = np.dtype("<f2")
"""Half precision: a kilobyte for 512 dimensions, and as exact as the clips' own vectors."""

Count = Annotated[int, Field(ge=0, le=1 << 31)]
EmbeddingId = Annotated[int, Field(ge=0, le=1 << 62)]
Positive = Annotated[float, Field(gt=0)]


class SearchCursor(Cursor):
    """The place after one page."""

    search: str
    """Digest of the query."""
    generation: int
    revision: int
    """Of the vectors when the first page was made."""
    until_id: EmbeddingId
    """The newest clip then."""
    nothing: bool
    """Whether the first page said that nothing was found."""
    offset: Count
    """Hits before this place."""
    depth: Count
    """Places of the ranking before this one."""
    vectors: list[str | None]
    """What is looked for, of each step (D,); null where the search says it."""
    spreads: list[Positive]
    """Of each step."""
    reach: tuple[float, Positive, Annotated[int, Field(ge=1)]] | None
    copies: Annotated[float, Field(ge=-1, le=1)]
    """Least cosine of copies."""
    until: tuple[float, EmbeddingId] | None
    """Score and id of the last clip up to which all were shown."""
    ahead: list[int]
    """Clips behind it that were shown too: by how much each id is higher than the one before."""
    last: list[EmbeddingId]
    """Clips that led the last hits."""


@dataclass(frozen=True)
class Yardsticks:
    """What the first page measured by, for every page to use, of one or several steps."""

    vectors: tuple[NDArray[np.float32] | None, ...]
    """What is looked for, (D,) unit; None: what the search says."""
    spreads: tuple[float, ...]
    reach: Reach | None
    """None: how sure hits are was not known."""
    copy_cosine: float

    @classmethod
    def of(cls, query: SearchQuery, targets: Sequence[Target], levels: Sequence[QueryLevel]) -> "Yardsticks":
        """Return those of the first page, whose ``targets`` have these ``levels``."""
        may_change = query.use_judgements and not query.is_said_alone
        return cls(
            vectors=tuple(
                _as_carried(level.ranking_vector) if target.is_composed or may_change else None
                for target, level in zip(targets, levels, strict=True)
            ),
            spreads=tuple(level.spread for level in levels),
            reach=next((level.reach for level in levels if level.reach is not None), None),
            copy_cosine=levels[0].copy_cosine,
        )

    def levels(self, targets: Sequence[Target]) -> list[QueryLevel]:
        """Return the same levels for every page."""
        return [
            QueryLevel(
                ranking_vector=target.vector if vector is None else vector,
                spread=spread,
                reach=self.reach if target.is_words else None,
                copy_cosine=self.copy_cosine,
            )
            for target, vector, spread in zip(targets, self.vectors, self.spreads, strict=True)
        ]


@dataclass(frozen=True)
class Progress:
    """How far the pages before have come; the first page starts with nothing ``shown``."""

    revision: int
    until_id: int
    yardsticks: Yardsticks
    offset: int = 0
    depth: int = 0
    shown: Shown = field(default_factory=Shown)
    last: tuple[int, ...] = ()
    nothing_found: bool | None = None
    """What the first page said, of all of them; None on it."""


def to_word(query: SearchQuery, generation_id: int, progress: Progress) -> str:
    """Return the cursor behind a page."""
    measured, until = progress.yardsticks, progress.shown.until
    reach = measured.reach
    return encode_cursor(
        SearchCursor(
            search=search_digest(query),
            generation=generation_id,
            revision=progress.revision,
            until_id=progress.until_id,
            nothing=bool(progress.nothing_found),
            offset=progress.offset,
            depth=progress.depth,
            vectors=[None if vector is None else _packed(vector) for vector in measured.vectors],
            spreads=list(measured.spreads),
            reach=None if reach is None else (reach.mean, reach.spread, reach.clips),
            copies=measured.copy_cosine,
            until=None if until is None else (until.score, until.embedding_id),
            ahead=steps_of(progress.shown.ahead),
            last=list(progress.last),
        )
    )


def resume(query: SearchQuery, generation_id: int, dimension: int) -> Progress | None:
    """Return how far the pages before the query's cursor have come; None when it has none.

    Raises InvalidCursor when it is damaged or of another search or model, whose vectors are (D,).
    """
    word = query.cursor
    if word is None:
        return None
    cursor = decode_cursor(word, SearchCursor)
    if cursor.search != search_digest(query):
        raise InvalidCursor(f"cursor {word[:100]!r} belongs to another search: {WAY_OUT}")
    if cursor.generation != generation_id:
        raise InvalidCursor(f"cursor {word[:100]!r} belongs to another model's vectors: {WAY_OUT}")
    try:
        return _progress(cursor, max(1, len(query.sequence)), dimension)
    except ValueError as error:
        raise InvalidCursor(f"cursor {word[:100]!r} is damaged: {WAY_OUT}") from error


def _progress(cursor: SearchCursor, steps: int, dimension: int) -> Progress:
    """Return what a cursor tells; raises ValueError when it cannot be true."""
    if not len(cursor.vectors) == len(cursor.spreads) == steps:
        raise ValueError(f"not of {steps} steps")
    return Progress(
        revision=cursor.revision,
        until_id=cursor.until_id,
        yardsticks=Yardsticks(
            vectors=tuple(None if word is None else _unpacked(word, dimension) for word in cursor.vectors),
            spreads=tuple(cursor.spreads),
            reach=None if cursor.reach is None else Reach(*cursor.reach),
            copy_cosine=cursor.copies,
        ),
        offset=cursor.offset,
        depth=cursor.depth,
        shown=Shown(
            until=None if cursor.until is None else Place(-cursor.until[0], cursor.until[1]),
            ahead=ids_of_steps(cursor.ahead),
        ),
        last=tuple(cursor.last),
        nothing_found=cursor.nothing,
    )


def _packed(vector: NDArray[np.float32]) -> str:
    return b64encode(vector.astype(CARRIED_DTYPE).tobytes()).decode()


def _unpacked(word: str, dimension: int) -> NDArray[np.float32]:
    stored = np.frombuffer(b64decode(word), CARRIED_DTYPE).reshape(dimension)
    vector: NDArray[np.float32] = stored.astype(np.float32)
    length = np.linalg.norm(vector)
    if not (np.isfinite(length) and length > 0):
        raise ValueError("no unit vector")
    return vector / length


def _as_carried(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a unit vector (D,) as a cursor gives it back, for the first page to use the same one."""
    return _unpacked(_packed(vector), len(vector))


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
