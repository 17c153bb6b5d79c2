"""``python -m indexer.clip_stream DIR``: the clips of a folder's videos as pixels, for a program to read.

The model and its evaluations know no video library; they start this process, as they would any decoder.
Files are found, decoded and cut as in indexing, and nothing is kept. Standard output holds records only,
each one line of JSON in ASCII, and behind the line of a clip its pixels::

    {"kind": "clip", "path": …, "start_s": …, "end_s": …, "shape": [T, H, W, 3]}   then T·H·W·3 bytes, RGB
    {"kind": "refusal", "path": …, "code": …, "reason": …}   a file that cannot be read, or not to its end
    {"kind": "end", "clips": …, "refusals": …}               the last record: without it, something was lost

Exit codes: 0 all told, 1 the reader went away, 2 wrong usage.
"""

import json
import sys
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, NamedTuple

import typer
from rich.console import Console

from indexer.batch_display import printable
from indexer.decoding.messages import DecodedClip, DecodePlan
from indexer.decoding.sandbox import decode_clips
from indexer.errors import IndexingError
from indexer.folder_walk import Unreadable, walk_videos

READER_GONE, WRONG_USAGE = 1, 2

THUMBNAIL_WIDTH = 32
"""Nobody sees the thumbnails here, so they cost as little as they can."""


UNREADABLE = "unreadable"
"""The code that a batch, too, gives to what the system does not let it read."""


class Record(NamedTuple):
    """A line of the stream, and the bytes behind it."""

    header: dict[str, object]
    pixels: bytes = b""


def read_folder(folder: Path, plan: DecodePlan) -> Generator[Record]:
    """Yield the clips of each video under ``folder`` in order, and a refusal where a file goes no further."""
    for file in walk_videos(folder):
        if isinstance(file, Unreadable):
            yield refusal_record(file.path, UNREADABLE, file.reason)
            continue
        try:
            with decode_clips(file.path, plan) as messages:
                for message in messages:
                    if isinstance(message, DecodedClip):
                        yield clip_record(file.path, message)
        except IndexingError as error:
            yield refusal_record(file.path, error.code, str(error))


def clip_record(path: Path, clip: DecodedClip) -> Record:
    """Return what the stream says of a clip of the file at ``path``."""
    bounds = {"start_s": clip.start_s, "end_s": clip.end_s, "shape": clip.frames.shape}
    return Record({"kind": "clip", "path": str(path), **bounds}, clip.frames.tobytes())


def refusal_record(path: Path, code: str, reason: str) -> Record:
    """Return what the stream says of a file of which nothing more can be read."""
    return Record({"kind": "refusal", "path": str(path), "code": code, "reason": printable(reason)})


def write_records(stream: BinaryIO, records: Iterable[Record], limit: int | None) -> None:
    """Write ``records`` up to ``limit`` clips, and the end; raises BrokenPipeError."""
    counts = Counter[object]()
    for record in records:
        counts[record.header["kind"]] += 1
        _write(stream, record)
        if counts["clip"] == limit:
            break
    _write(stream, Record({"kind": "end", "clips": counts["clip"], "refusals": counts["refusal"]}))


def _write(stream: BinaryIO, record: Record) -> None:
    stream.write(json.dumps(record.header).encode("ascii") + b"\n")
    stream.write(record.pixels)
    stream.flush()


def main(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with videos, searched recursively.")],
    frames: Annotated[int, typer.Option(help="Frames of each clip.")] = 12,
    size: Annotated[int, typer.Option(help="Pixels of each side of a frame.")] = 224,
    resize: Annotated[
        Literal["shortest", "squash"], typer.Option(help="Crop the centre, or squash the picture.")
    ] = "shortest",
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many clips.")] = None,
) -> None:
    """Write the clips of the videos in DIR to standard output; the module's docstring has the format."""
    try:
        if not folder.is_dir():
            raise ValueError(f"{folder} is not a folder: name one that holds videos")
        plan = DecodePlan(size, resize, frames, THUMBNAIL_WIDTH)
    except ValueError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(WRONG_USAGE) from error
    try:
        with closing(read_folder(folder, plan)) as records:
            write_records(sys.stdout.buffer, records, limit)
    except BrokenPipeError as error:
        raise typer.Exit(READER_GONE) from error


if __name__ == "__main__":
    typer.run(main)
