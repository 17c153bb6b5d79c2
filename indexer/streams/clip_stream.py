"""``python -m indexer.streams.clip_stream DIR``: a folder's clips as pixels, for a program to read.

The model and its evaluations know no video library; they start this process, as they would any decoder.
Files are found, decoded and cut as in indexing, and nothing is kept. Standard output holds records only, of
the kinds "clip", "refusal" (a file that cannot be read, or not to its end) and "end"; ``record_stream`` has
their format.

Exit codes: 0 all told, 1 the reader went away, 2 wrong usage.
"""

import sys
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from indexer.decoding.messages import DecodedClip
from indexer.decoding.plans import DecodePlan
from indexer.decoding.sandbox import decode_clips
from indexer.errors import IndexingError
from indexer.folders.walk import Unreadable, walk_videos
from indexer.streams.record_stream import (
    READER_GONE,
    WRONG_USAGE,
    Record,
    pixel_record,
    refusal_record,
    write_records,
)

THUMBNAIL_WIDTH = 32
"""Nobody sees the thumbnails here, so they cost as little as they can."""


UNREADABLE = "unreadable"
"""The code that a batch, too, gives to what the system does not let it read."""


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
                        bounds_s = (message.start_s, message.end_s)
                        yield pixel_record("clip", file.path, bounds_s, message.frames)
        except IndexingError as error:
            yield refusal_record(file.path, error.code, str(error))


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
