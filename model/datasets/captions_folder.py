"""Any folder of videos or pictures with a ``captions.csv``: one row for each sentence said of a file.

Columns: ``file`` (its path below the folder) and ``caption``; if wanted ``start_s`` and ``end_s`` (seconds;
the sentence is about this part) and ``split`` (train, validation or test). A file with several rows has
several captions. Without splits, a tenth of the files is held out for validation by hash of the name, the
others are for training, and the test is all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Literal, cast, get_args

from model.datasets.annotation_text import Row, malformed, read_table, refuse_blank, repeated
from model.datasets.assembly import missing_file, require_items
from model.datasets.base import CaptionedItem, Dataset, DatasetError, Photograph, Refusal, Split, VideoFile
from model.datasets.dataset_files import DatasetFiles, Source
from model.datasets.held_out import hold_out
from model.datasets.photographs import PICTURE_EXTENSIONS, read_photograph

CAPTIONS_FILE = "captions.csv"
COLUMNS = ("file", "caption")
HELD_OUT_SHARE = 0.1
TWO_SPLITS = "two-splits"
SOURCE = Source(
    "videos with a captions.csv",
    "Write a captions.csv with the columns file and caption beside the videos.",
    "Put the files that captions.csv names beside it, or correct their names.",
)


@dataclass(frozen=True)
class CaptionRow:
    """A sentence said of a file, or of its part from ``start_s`` to ``end_s``; None: to its end, no split."""

    line: int
    file: str
    caption: str
    start_s: float = 0.0
    end_s: float | None = None
    split: Split | None = None

    @property
    def item(self) -> str:
        """The name of what the sentence is about: the file, with its part if it is not the whole."""
        if self.start_s == 0 and self.end_s is None:
            return self.file
        end = "its end" if self.end_s is None else f"{self.end_s:g} s"
        return f"{self.file} from {self.start_s:g} s to {end}"


@dataclass(frozen=True)
class CaptionTable:
    """The rows of a captions.csv, those refused, and whether it says which split a row is of."""

    rows: tuple[CaptionRow, ...]
    refusals: tuple[Refusal, ...]
    has_splits: bool


def read_captions(path: Path) -> CaptionTable:
    """Return the rows of a captions.csv; raises DatasetError if there are none or the file is no table."""
    if not path.is_file():
        raise DatasetError(f"{path} does not exist: write one, with the columns {' and '.join(COLUMNS)}")
    found, misshapen = read_table(path, COLUMNS, is_strict=True)
    found, blank = refuse_blank(found, COLUMNS, path)
    parsed, malformed_rows = _parse_rows(found, path)
    rows, refusals = _refuse_contradictions(parsed, path)
    refusals = [*misshapen, *blank, *malformed_rows, *refusals]
    if not rows:
        reason = f": {refusals[0].reason}" if refusals else ""
        raise DatasetError(f"{path} has no rows with the columns {' and '.join(COLUMNS)}{reason}")
    return CaptionTable(tuple(rows), tuple(refusals), has_splits=rows[0].split is not None)


def read_folder(root: Path, split: Split) -> Dataset:
    """Return a split of the folder's files, in the order of captions.csv; raises DatasetError."""
    files = DatasetFiles(root, SOURCE)
    table = read_captions(root / CAPTIONS_FILE)
    captions: dict[str, list[str]] = {}
    first: dict[str, CaptionRow] = {}
    for row in _rows_of(table, split, root / CAPTIONS_FILE):
        first.setdefault(row.item, row)
        captions.setdefault(row.item, []).append(row.caption)
    items = []
    refusals = [*files.unreadable, *table.refusals]
    for name, row in first.items():
        media = _media(files, row)
        if isinstance(media, Refusal):
            refusals.append(media)
        else:
            items.append(CaptionedItem(name, tuple(captions[name]), media))
    return require_items(Dataset("folder", split, tuple(items), tuple(refusals)), files)


def _rows_of(table: CaptionTable, split: Split, path: Path) -> list[CaptionRow]:
    if table.has_splits:
        rows = [row for row in table.rows if row.split == split]
    elif split == "test":
        rows = list(table.rows)
    else:
        held_out = hold_out({row.file for row in table.rows}, HELD_OUT_SHARE)
        rows = [row for row in table.rows if (row.file in held_out) == (split == "validation")]
    if not rows:
        raise DatasetError(
            f"{path} has no row for {split}: add rows of that split or, without a column split, of more files"
        )
    return rows


def _media(files: DatasetFiles, row: CaptionRow) -> VideoFile | Photograph | Refusal:
    path = files.at(row.file)
    if path is None:
        return missing_file(row.item, files.root)
    if path.suffix.lower() in PICTURE_EXTENSIONS:
        return read_photograph(row.item, path)
    return VideoFile(path, row.start_s, row.end_s)


def _parse_rows(rows: Sequence[Row], path: Path) -> tuple[list[CaptionRow], list[Refusal]]:
    parsed, refusals = [], []
    for row in rows:
        try:
            parsed.append(_parse(row))
        except ValueError as error:
            refusals.append(malformed(row["file"], path, row.line, str(error)))
    return parsed, refusals


def _refuse_contradictions(rows: Sequence[CaptionRow], path: Path) -> tuple[list[CaptionRow], list[Refusal]]:
    """Return the rows without those that repeat one, or that put into a split what is in another."""
    kept: dict[tuple[str, str], CaptionRow] = {}
    first: dict[str, CaptionRow] = {}
    refusals = []
    for row in rows:
        one = first.setdefault(row.item, row)
        if (row.item, row.caption) in kept:
            refusals.append(repeated(row.item, path, row.line, kept[row.item, row.caption].line))
        elif row.split != one.split:
            reason = f"line {row.line} of {path} is for {row.split}, but line {one.line} is for {one.split}"
            refusals.append(Refusal(row.item, TWO_SPLITS, f"{reason}: choose one"))
        else:
            kept[row.item, row.caption] = row
    return list(kept.values()), refusals


def _parse(row: Row) -> CaptionRow:
    """Return the row in its types; raises ValueError with its fault."""
    start_s = _seconds(row, "start_s", 0.0)
    end_s = _seconds(row, "end_s", inf)
    if end_s <= start_s:
        raise ValueError(f"ends at {end_s:g} s, which is not after its start at {start_s:g} s: correct them")
    return CaptionRow(
        row.line, row["file"], row["caption"], start_s, end_s if isfinite(end_s) else None, _split(row)
    )


def _seconds(row: Row, column: Literal["start_s", "end_s"], default: float) -> float:
    text = row.values.get(column)
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not isfinite(seconds) or seconds < 0:
        raise ValueError(f"has the {column} {text!r}: write seconds from the start of the file, such as 12.5")
    return seconds


def _split(row: Row) -> Split | None:
    text = row.values.get("split")
    if text is None or text in get_args(Split):
        return cast(Split | None, text)
    raise ValueError(f"has the split {text!r}: write {', '.join(get_args(Split))}")
