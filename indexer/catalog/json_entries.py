"""The values in a JSON object's fields, in SQL: written twice, for SQLite and for Postgres.

Postgres decodes a whole object at once and refuses escapes that no text can hold (NUL, half a surrogate
pair): an object with one, which hardly anybody writes, counts as empty there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Select,
    Text,
    and_,
    case,
    cast,
    column,
    exists,
    func,
    join,
    literal,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute, Session

JsonColumn = InstrumentedAttribute[dict[str, object]]
Column = ColumnElement[Any]

UNDECODABLE = (
    r"\\u0000|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
"""Escapes of NUL and of halves of surrogate pairs."""


@dataclass(frozen=True)
class Entry:
    """One value: a column is null when the value is of another kind."""

    text: Column
    """Compared by code points."""
    number: Column
    boolean: Column
    """As text: true or false."""
    number_in_text: Column
    """What a text like -12.5 reads as."""
    is_dated: ColumnElement[bool]
    """Whether it is a text that begins with year and month."""
    to_number: Callable[[float], Column]
    """Writes a number so that it compares exactly with the columns."""


def has_entry(
    session: Session, source: JsonColumn, key: str, holds: Callable[[Entry], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Return the condition that the value under ``key``, or an entry of the list there, meets ``holds``."""
    if not _is_sqlite(session):
        of_key = _decoded(source).op("->")(key)
        values = func.jsonb_path_query(of_key, literal_column("'$[*]'")).table_valued(column("value", JSONB))
        found = values.render_derived()
        return exists().select_from(found).where(holds(_postgres_entry(found.c.value)))
    field = func.json_each(source).table_valued("key", "type", "atom", "value", name="field")
    listed = func.json_each(case((field.c.type == "array", field.c.value)))
    entry = listed.table_valued("type", "atom", name="entry")
    is_in_list = exists().select_from(entry).where(holds(_sqlite_entry(entry.c.type, entry.c.atom)))
    is_met = or_(holds(_sqlite_entry(field.c.type, field.c.atom)), is_in_list)
    return exists().select_from(field).where(field.c.key == key, is_met)


def has_key(session: Session, source: JsonColumn, key: str) -> ColumnElement[bool]:
    """Return the condition that the object has ``key``."""
    if not _is_sqlite(session):
        return _decoded(source).op("->")(key).is_not(None)
    field = func.json_each(source).table_valued("key", name="field")
    return exists().select_from(field).where(field.c.key == key)


def keys_of(session: Session, source: JsonColumn) -> Select[tuple[str]]:
    """Return the statement that lists the different keys of all objects."""
    if _is_sqlite(session):
        fields = func.json_each(source).table_valued("key", name="field")
    else:
        fields = func.jsonb_object_keys(_decoded(source)).table_valued("key", name="field").render_derived()
    return select(fields.c.key).select_from(join(source.class_, fields, true())).distinct()


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _sqlite_entry(kind: Column, atom: Column) -> Entry:
    text: Column = case((kind == "text", atom))
    digits: Column = case((func.substr(text, 1, 1) == "-", func.substr(text, 2)), else_=text)
    is_number = and_(
        digits.op("GLOB")("[0-9]*"),
        digits.op("GLOB")("*[0-9]"),
        digits.op("NOT GLOB")("*[^0-9.]*"),
        digits.op("NOT GLOB")("*.*.*"),
    )
    return Entry(
        text=text,
        number=case((kind.in_(["integer", "real"]), atom)),
        boolean=case((kind.in_(["true", "false"]), kind)),
        number_in_text=case((is_number, cast(text, Numeric))),
        is_dated=text.op("GLOB")("[0-9][0-9][0-9][0-9]-[0-9][0-9]*"),
        to_number=literal,
    )


def _postgres_entry(value: Column) -> Entry:
    kind, content = func.jsonb_typeof(value), value.op("#>>", return_type=Text())(literal_column("'{}'"))
    text: Column = case((kind == "string", content)).collate("C")
    return Entry(
        text=text,
        number=case((kind == "number", cast(content, Numeric))),
        boolean=case((kind == "boolean", content)),
        number_in_text=case((text.op("~")(r"^-?[0-9]+([.][0-9]+)?$"), cast(text, Numeric))),
        is_dated=text.op("~")("^[0-9]{4}-[0-9]{2}"),
        to_number=lambda number: literal(Decimal(repr(number)), Numeric),
    )


def _decoded(source: JsonColumn) -> Column:
    text = cast(source, Text)
    is_undecodable = and_(text.contains("\\u", autoescape=True), text.op("~")(UNDECODABLE))
    return cast(case((is_undecodable, literal("{}")), else_=text), JSONB)
