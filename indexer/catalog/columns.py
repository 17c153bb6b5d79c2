"""Column types of the catalog's tables, and what rows are given when they are made."""

from datetime import UTC, datetime
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import BigInteger, DateTime, Dialect, Enum, Integer, TypeDecorator

BigIntegerKey = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows itself only in a column declared INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """A timestamp that is always aware and in UTC, on SQLite (which forgets the zone) too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return ``value`` in UTC; raises ValueError for a naive timestamp."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"timestamp {value.isoformat()} has no time zone: pass an aware datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored timestamp as an aware one in UTC; Postgres gives that of its own zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> str:
    """Return a random identifier of 32 hexadecimal digits."""
    return uuid4().hex


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def state_column(states: type[StrEnum]) -> Enum:
    """Return a column type that stores the values of ``states`` as plain text, the same on every database."""
    return Enum(
        states, native_enum=False, length=16, values_callable=lambda kinds: [kind.value for kind in kinds]
    )
