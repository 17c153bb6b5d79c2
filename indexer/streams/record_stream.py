"""Decoded pixels on standard output, for a program that knows no video library.

Each record is one line of JSON in ASCII, and behind the line of a record with pixels come its bytes::

    {"kind": …, "path": …, "start_s": …, "end_s": …, "shape": [T, H, W, 3]}   then T·H·W·3 bytes, RGB
    {"kind": "refusal", "path": …, "code": …, "reason": …}   a file of which nothing more can be read
    {"kind": "end", "records": {kind: how many}}             the last record: without it, something was lost
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.batch.display import printable

READER_GONE, WRONG_USAGE = 1, 2
"""Exit codes of the commands that write records."""


class Record(NamedTuple):
    """A line of the stream, and the bytes behind it."""

    header: dict[str, object]
    pixels: bytes = b""


def pixel_record(kind: str, path: Path, bounds_s: tuple[float, float], frames: NDArray[np.uint8]) -> Record:
    """Return what the stream says of ``frames`` (T, H, W, 3), from between ``bounds_s`` of a file."""
    start_s, end_s = bounds_s
    header = {"kind": kind, "path": str(path), "start_s": start_s, "end_s": end_s, "shape": frames.shape}
    return Record(header, frames.tobytes())


def refusal_record(path: Path, code: str, reason: str) -> Record:
    """Return what the stream says of a file of which nothing more can be read."""
    return Record({"kind": "refusal", "path": str(path), "code": code, "reason": printable(reason)})


def write_records(stream: BinaryIO, records: Iterable[Record], limit: int | None = None) -> None:
    """Write ``records``, up to ``limit`` with pixels, and the end; raises BrokenPipeError."""
    counts = Counter[str]()
    with_pixels = 0
    for record in records:
        counts[str(record.header["kind"])] += 1
        with_pixels += bool(record.pixels)
        _write(stream, record)
        if with_pixels == limit:
            break
    _write(stream, Record({"kind": "end", "records": counts}))


def _write(stream: BinaryIO, record: Record) -> None:
    stream.write(json.dumps(record.header).encode("ascii") + b"\n")
    stream.write(record.pixels)
    stream.flush()
