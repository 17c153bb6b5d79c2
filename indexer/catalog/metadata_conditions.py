"""Conditions on a video's own metadata, a JSON object: the same answers on SQLite and Postgres.

A value is compared as what it is: text with text, a number with a number, ``true`` and ``false`` with
booleans; of a list, any entry may meet the condition. A bound of a range is read as a number, as a date or
time (ISO 8601, compared as written) or else as text; texts that read as such count as numbers and dates too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session

from indexer.catalog.json_entries import Entry, has_entry, has_key, keys_of
from indexer.catalog.tables import Video

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}([T ].*)?)?)?", re.ASCII)

INTEGER_LIMIT = 2**63
"""SQLite holds integers below it exactly and turns others into floats."""

MOST_KEYS = 10_000
"""Where a library has more different keys, they are no vocabulary to choose from."""


class Reading(StrEnum):
    """What a bound can be taken for."""

    NUMBER = "number"
    DATE = "date"
    TEXT = "text"


@dataclass(frozen=True)
class MetadataCondition:
    """What a video must have under ``key``: any of ``values``, and an entry from ``least`` to ``most``."""

    key: str
    values: tuple[str, ...] = ()
    least: str | None = None
    most: str | None = None
    """Included; a date bounds all that begins with it, so that a day is the whole day."""

    def __post_init__(self) -> None:
        """Raise ValueError when nothing is demanded, or bounds that cannot both be met."""
        if not self.values and not self.bounds:
            raise ValueError(f"nothing is demanded of the metadata key {self.key!r}: give a value or a bound")
        if self.bounds and not self.readings:
            raise ValueError(
                f"{self.least!r} and {self.most!r} cannot be compared: "
                "give two numbers, two dates or two other texts"
            )
        if self.least is not None and self.most is not None and _is_reversed(self):
            raise ValueError(f"the least, {self.least!r}, lies above the most, {self.most!r}: swap them")

    @property
    def bounds(self) -> tuple[str, ...]:
        """Return the bounds that are given."""
        return tuple(bound for bound in (self.least, self.most) if bound is not None)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Return what all bounds can be taken for: some of number and date, or text alone."""
        return tuple(one for one in Reading if all(one in _readings_of(bound) for bound in self.bounds))


def where_metadata(session: Session, condition: MetadataCondition) -> ColumnElement[bool]:
    """Return ``condition`` on ``Video``, as the database behind ``session`` writes it."""

    def holds(entry: Entry) -> ColumnElement[bool]:
        is_equal = _equals(entry, condition.values) if condition.values else true()
        is_within = or_(*(_BETWEEN[one](entry, condition) for one in condition.readings))
        return and_(is_equal, is_within) if condition.bounds else is_equal

    return has_entry(session, Video.extra, condition.key, holds)


def has_metadata_key(session: Session, key: str) -> bool:
    """Return whether any video has ``key``."""
    found = session.scalar(select(Video.id).where(has_key(session, Video.extra, key)).limit(1))
    return found is not None


def metadata_keys(session: Session) -> list[str]:
    """Return the different keys that videos have, in order; 10,000 at most."""
    return sorted(session.scalars(keys_of(session, Video.extra).limit(MOST_KEYS)))


def read_number(text: str) -> float | None:
    """Return the finite number that ``text`` is, an int where it is exact, or None."""
    if NUMBER.fullmatch(text) is None or not isfinite(number := float(text)):
        return None
    is_whole = text.lstrip("+-").isdigit() and abs(number) < INTEGER_LIMIT
    return int(text) if is_whole else number


def _readings_of(bound: str) -> set[Reading]:
    found = {Reading.NUMBER} if read_number(bound) is not None else set()
    if DATE.fullmatch(bound):
        found.add(Reading.DATE)
    return found or {Reading.TEXT}


def _is_reversed(condition: MetadataCondition) -> bool:
    least, most = condition.least or "", condition.most or ""
    numbers = read_number(least), read_number(most)
    if numbers[0] is not None and numbers[1] is not None:
        return numbers[0] > numbers[1]
    return _dated(least)[: len(most)] > _dated(most) if Reading.DATE in condition.readings else least > most


def _equals(entry: Entry, values: Sequence[str]) -> ColumnElement[bool]:
    numbers = [number for value in values if (number := read_number(value)) is not None]
    return or_(
        entry.text.in_(values),
        entry.boolean.in_([value.lower() for value in values]),
        *(entry.number == entry.to_number(number) for number in numbers),
    )


def _between_numbers(entry: Entry, condition: MetadataCondition) -> ColumnElement[bool]:
    least, most = read_number(condition.least or ""), read_number(condition.most or "")
    number = func.coalesce(entry.number, entry.number_in_text)
    return and_(
        number.is_not(None),
        number >= entry.to_number(least) if least is not None else true(),
        number <= entry.to_number(most) if most is not None else true(),
    )


def _between_dates(entry: Entry, condition: MetadataCondition) -> ColumnElement[bool]:
    written = func.replace(entry.text, " ", "T")
    least, most = _dated(condition.least or ""), _dated(condition.most or "")
    is_early_enough = func.substr(written, 1, len(most)) <= most if most else true()
    return and_(entry.is_dated, written >= least, is_early_enough)


def _between_texts(entry: Entry, condition: MetadataCondition) -> ColumnElement[bool]:
    is_low_enough = true() if condition.most is None else entry.text <= condition.most
    return and_(entry.text >= (condition.least or ""), is_low_enough)


def _dated(bound: str) -> str:
    return bound.replace(" ", "T")


_BETWEEN = {
    Reading.NUMBER: _between_numbers,
    Reading.DATE: _between_dates,
    Reading.TEXT: _between_texts,
}
