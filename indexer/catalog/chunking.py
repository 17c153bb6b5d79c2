"""Long lists of ids in pieces that fit into one statement's parameters."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")

MAX_PARAMETERS = 10_000
"""SQLite takes 32,766 in one statement and Postgres 65,535."""


def in_chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield ``items`` in order, at most MAX_PARAMETERS at a time."""
    for start in range(0, len(items), MAX_PARAMETERS):
        yield items[start : start + MAX_PARAMETERS]
