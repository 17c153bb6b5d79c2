"""Annotation files as text lines, tables and JSON, with every fault told by file and line."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.datasets.base import DatasetError, Refusal

MALFORMED, DUPLICATE = "malformed-row", "duplicate-row"
TOO_MANY_VALUES = (
    "has more values than the first line has columns: put a value that has commas in quotation marks"
)
OPEN_QUOTATION = "was read as one row with line {}: is a quotation mark left open there?"


@dataclass(frozen=True)
class Row:
    """One row of a table, values stripped, absent ones empty; ``line`` is where it ends, counted from 1."""

    line: int
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]


def read_text(path: Path) -> str:
    """Return a file's text without its byte order mark, lines ending in one newline; raises DatasetError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DatasetError(
            f"{path} is not UTF-8 text (line {line}, {error.reason}): save it as UTF-8"
        ) from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}): see that you may open it") from error


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of each line that is not blank; raises DatasetError."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            yield number, line


def read_names(path: Path) -> tuple[dict[str, int], list[Refusal]]:
    """Return the names that a file lists one a line, with their lines, and a refusal for each repetition."""
    names: dict[str, int] = {}
    refusals = []
    for line, text in read_lines(path):
        name = text.strip()
        if name in names:
            refusals.append(repeated(name, path, line, names[name]))
        else:
            names[name] = line
    return names, refusals


def read_table(
    path: Path, columns: Sequence[str], *, is_strict: bool = False
) -> tuple[list[Row], list[Refusal]]:
    """Return the rows of a table with a header that has ``columns``, and those refused for their form.

    A row over several lines is refused, for that is how a quotation mark left open swallows its neighbours;
    if ``is_strict``, what breaks the rules of quotation is an error instead. Raises DatasetError.
    """
    reader = csv.reader(io.StringIO(read_text(path)), strict=is_strict)
    rows, refusals = [], []
    try:
        header = [column.strip() for column in next(reader, [])]
        missing = [column for column in columns if column not in header]
        if missing:
            raise DatasetError(
                f"{path} has no rows with the columns {_listed(columns)}: "
                f"its first line lacks {_listed(missing)}"
            )
        before = reader.line_num
        for values in reader:
            if len(values) > len(header):
                refusals.append(malformed(values[0], path, reader.line_num, TOO_MANY_VALUES))
            elif reader.line_num - before > 1 and not is_strict:
                refusals.append(malformed("", path, reader.line_num, OPEN_QUOTATION.format(before + 1)))
            elif values:
                padded = [value.strip() for value in values] + [""] * (len(header) - len(values))
                rows.append(Row(reader.line_num, dict(zip(header, padded, strict=True))))
            before = reader.line_num
    except csv.Error as error:
        raise DatasetError(f"line {reader.line_num} of {path} is no row of a table: {error}") from error
    return rows, refusals


def refuse_blank(rows: Sequence[Row], columns: Sequence[str], path: Path) -> tuple[list[Row], list[Refusal]]:
    """Return the rows that have a value in each of ``columns``, and a refusal for each other one."""
    whole, refusals = [], []
    for row in rows:
        blank = [column for column in columns if not row[column]]
        if blank:
            fault = f"lacks its {' and its '.join(blank)}: add it"
            refusals.append(malformed(row[columns[0]], path, row.line, fault))
        else:
            whole.append(row)
    return whole, refusals


def refuse_repeated(rows: Sequence[Row], column: str, path: Path) -> tuple[list[Row], list[Refusal]]:
    """Return the first row of each value of ``column``, and a refusal for each further one."""
    first: dict[str, Row] = {}
    refusals = []
    for row in rows:
        if first.setdefault(row[column], row) is not row:
            refusals.append(repeated(row[column], path, row.line, first[row[column]].line))
    return list(first.values()), refusals


def read_json(path: Path) -> Any:
    """Return what a JSON file holds; raises DatasetError, also for a key that is there twice."""
    try:
        return json.loads(read_text(path), object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"{path} is no JSON (line {error.lineno}: {error.msg}): download it again, it may be cut off"
        ) from error
    except RecursionError as error:
        raise DatasetError(f"{path} is nested too deeply to be annotations: download it again") from error
    except _RepeatedKeyError as error:
        raise DatasetError(f"{path} has {error} twice: keep one of the two") from error


def repeated(name: str, path: Path, line: int, first: int) -> Refusal:
    """Return the refusal of a row that says again what an earlier one said."""
    return Refusal(name, DUPLICATE, f"line {line} of {path} repeats line {first}: remove it")


def malformed(name: str, path: Path, line: int, fault: str) -> Refusal:
    """Return the refusal of a row for its ``fault``, such as "lacks its caption: add it"."""
    return Refusal(name or f"line {line}", MALFORMED, f"line {line} of {path} {fault}")


class _RepeatedKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(repr(next(key for key in keys if keys.count(key) > 1)))
    return values


def _listed(columns: Sequence[str]) -> str:
    return " and ".join(columns)
