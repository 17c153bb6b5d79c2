"""What is searched for: examples with weights, conditions, and how the answer is to look."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from app.confidence import Confidence
from app.errors import InvalidSearch
from indexer.catalog.clip_filters import ClipFilters

DEFAULT_LIMIT = 20
MAX_LIMIT = 100

MAX_WORDS_CHARACTERS = 10_000
"""Several pages. A text encoder reads far less, and its answer says so; even longer text is a mistake."""

MAX_TERMS = 32
"""Of one step. Each costs a run of an encoder, and what so many say together is close to nothing."""

MAX_WEIGHT = 10.0

MIN_STEPS, MAX_STEPS = 2, 5

DEFAULT_WITHIN_S = 30.0
MAX_WITHIN_S = 86_400.0
"""A day: longer than the videos that people keep."""

MAX_JUDGED_CLIPS = 100
"""Relevant ones, and as many irrelevant ones. Rocchio's mean changes little after some ten."""


class Mode(StrEnum):
    """What a hit is found by."""

    VISUAL = "visual"
    TEXT = "text"
    HYBRID = "hybrid"


class GroupBy(StrEnum):
    """What one hit stands for."""

    CLIP = "clip"
    VIDEO = "video"


class Sort(StrEnum):
    """What comes first."""

    RELEVANCE = "relevance"
    RECORDED_AT = "recorded_at"
    ADDED_AT = "added_at"


@dataclass(frozen=True)
class Words:
    """A description."""

    text: str


@dataclass(frozen=True)
class Picture:
    """An image, encoded as it came: JPEG, PNG, WebP, GIF or BMP."""

    content: bytes = field(repr=False)


@dataclass(frozen=True)
class IndexedClip:
    """A clip of the library."""

    clip_id: str


@dataclass(frozen=True)
class Span:
    """The clips that lie in a part of a video; all of them without a start and an end."""

    video_id: str
    start_s: float | None = None
    end_s: float | None = None


Example: TypeAlias = Words | Picture | IndexedClip | Span


@dataclass(frozen=True)
class Term:
    """An example, and how much a moment is to be like it: away from it when the weight is negative."""

    example: Example
    weight: float = 1.0


@dataclass(frozen=True)
class SearchQuery:
    """One search; raises InvalidSearch for one that cannot be meant.

    It has either ``terms`` of which one is positive, or clips judged ``relevant``, or both; or a ``sequence``
    of two to five steps, each of which has a positive term.
    """

    terms: tuple[Term, ...] = ()
    sequence: tuple[tuple[Term, ...], ...] = ()
    within_s: float = DEFAULT_WITHIN_S
    """Of a sequence: most seconds between the end of a step and the start of the next."""
    mode: Mode = Mode.HYBRID
    filters: ClipFilters = field(default_factory=ClipFilters)
    min_score: float | None = None
    min_confidence: Confidence | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    group_by: GroupBy = GroupBy.CLIP
    sort: Sort = Sort.RELEVANCE
    merge: bool = True
    """Whether neighbouring hits of a video become one moment."""
    collapse: bool = True
    """Whether hits that look nearly the same stand behind the best of them."""
    diversity: float = 0.0
    """From 0, the best first, to 1, the most different first."""
    explain: bool = False
    relevant: tuple[str, ...] = ()
    """Ids of clips that were judged to be right."""
    irrelevant: tuple[str, ...] = ()
    use_judgements: bool = False
    """Whether the clips judged for ``text`` before count as relevant and irrelevant too."""
    text: str = ""
    """What was typed, for the answer to repeat."""

    def __post_init__(self) -> None:
        """Check every value that no type can."""
        for name, steps in (("terms", (self.terms,)), ("then", self.sequence)):
            for step in steps:
                _check_terms(name, step)
        _check_steps(self)
        _check_range("limit", self.limit, 1, MAX_LIMIT)
        _check_range("diversity", self.diversity, 0, 1)
        _check_range("within", self.within_s, 0, MAX_WITHIN_S)
        if self.min_score is not None:
            _check_range("min_score", self.min_score, -1, 1)
        _check_judgements(self.relevant, self.irrelevant)
        if self.use_judgements:
            _check_words_are_judged(self)

    @property
    def words(self) -> str:
        """What was typed."""
        return self.text

    @property
    def is_said_alone(self) -> bool:
        """Whether only what is said counts, and nothing that is seen."""
        return self.mode is Mode.TEXT and not self.sequence

    @property
    def examples(self) -> tuple[Term, ...]:
        """The terms of every step."""
        return (*self.terms, *(term for step in self.sequence for term in step))


def _check_steps(query: SearchQuery) -> None:
    if query.sequence:
        if query.terms or query.relevant or query.irrelevant:
            raise InvalidSearch("then", "a sequence has its steps only: leave out other terms and judgements")
        if not MIN_STEPS <= len(query.sequence) <= MAX_STEPS:
            count = len(query.sequence)
            message = f"a sequence of {count} steps: give {MIN_STEPS} to {MAX_STEPS} of them"
            raise InvalidSearch("then", message, count)
        for number, step in enumerate(query.sequence):
            _check_positive("then" if number else "q", step)
    elif not query.relevant:
        _check_positive("q", query.terms)


def _check_positive(name: str, terms: Iterable[Term]) -> None:
    if not any(term.weight > 0 for term in terms):
        message = "nothing to look for: say what is to be seen too, besides what is not"
        raise InvalidSearch(
            name, message if any(True for _ in terms) else "nothing to look for: describe a moment"
        )


def _check_terms(name: str, terms: tuple[Term, ...]) -> None:
    if len(terms) > MAX_TERMS:
        raise InvalidSearch(name, f"{len(terms)} terms: give at most {MAX_TERMS}", len(terms))
    for term in terms:
        if not 0 < abs(term.weight) <= MAX_WEIGHT:
            message = f"a weight of {term.weight}: give -{MAX_WEIGHT:g} to {MAX_WEIGHT:g}, and not 0"
            raise InvalidSearch(f"{name}.weight", message, term.weight)
        if isinstance(term.example, Words):
            _check_words(name, term.example.text)
        if isinstance(term.example, Span):
            _check_span(term.example)


def _check_words(name: str, text: str) -> None:
    if not text.strip() or len(text) > MAX_WORDS_CHARACTERS:
        message = f"{len(text)} characters: describe a moment in 1 to {MAX_WORDS_CHARACTERS}"
        raise InvalidSearch("q" if name == "terms" else name, message, text[:50])


def _check_span(span: Span) -> None:
    start_s, end_s = span.start_s or 0.0, math.inf if span.end_s is None else span.end_s
    if not (math.isfinite(start_s) and start_s >= 0):
        raise InvalidSearch("like_start", "give seconds from the first frame, 0 or more", span.start_s)
    if not end_s > start_s:
        raise InvalidSearch(
            "like_end", f"the span ends before it starts, at {start_s:g}: give a later end", end_s
        )


def _check_range(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise InvalidSearch(name, f"{name} is {value}: give {least:g} to {most:g}", value)


def _check_words_are_judged(query: SearchQuery) -> None:
    if query.sequence:
        raise InvalidSearch("use_judgements", "a sequence has its steps only: leave out use_judgements", True)
    if not query.text.strip():
        raise InvalidSearch("use_judgements", "judgements are of words: describe a moment in q too", True)


def _check_judgements(relevant: tuple[str, ...], irrelevant: tuple[str, ...]) -> None:
    for name, clip_ids in (("relevant", relevant), ("irrelevant", irrelevant)):
        if len(clip_ids) > MAX_JUDGED_CLIPS:
            raise InvalidSearch(
                name, f"{len(clip_ids)} clips: give at most {MAX_JUDGED_CLIPS}", len(clip_ids)
            )
    if both := sorted(set(relevant) & set(irrelevant)):
        raise InvalidSearch("irrelevant", f"clip {both[0]!r} is said to be relevant too: choose one", both[0])
