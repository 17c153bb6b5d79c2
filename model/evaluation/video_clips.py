"""The clips of a folder's videos, read from a process of their own.

The model knows no video library. What decodes is a program, ``python -m indexer.clip_stream``, and the seam
is its output: records as its docstring lays them down. This side would read any program that writes them.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.preprocessing import Preprocessing

COMMAND = [sys.executable, "-P", "-m", "indexer.clip_stream"]
"""``-P`` keeps the current folder, which may be anybody's, out of the import path."""

MAX_HEADER_BYTES = 64 * 1024
"""No line of JSON is as long: beyond it, what is read is no record."""

MAX_QUOTED_CHARACTERS = 500

Shape: TypeAlias = tuple[int, int, int, int]


class VideoReadingError(RuntimeError):
    """The process that decodes ended before its last record, or wrote what is no record."""


@dataclass(frozen=True)
class VideoClip:
    """One clip: the file it is from, its bounds in seconds, and ``frames`` (T, H, W, 3) uint8 RGB."""

    path: Path
    start_s: float
    end_s: float
    frames: NDArray[np.uint8]


@dataclass(frozen=True)
class RefusedVideo:
    """A file that could not be read, or not to its end; ``code`` is stable, ``reason`` is for a person."""

    path: Path
    code: str
    reason: str


def read_clips(
    folder: Path, preprocessing: Preprocessing, frames_per_clip: int, limit: int | None = None
) -> Generator[VideoClip | RefusedVideo]:
    """Yield the clips under ``folder`` as an encoder wants them, ``limit`` at most, and the files refused.

    Closing the iterator ends the process. Raises VideoReadingError.
    """
    size = preprocessing.image_size
    options = {"--frames": frames_per_clip, "--size": size, "--resize": preprocessing.resize_mode}
    if limit is not None:
        options["--limit"] = limit
    command = [
        *COMMAND,
        *(f"{name}={value}" for name, value in options.items()),
        "--",
        str(folder.absolute()),
    ]
    with (
        tempfile.TemporaryFile() as said,  # a pipe that nobody empties would block the process
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            process_group=0,  # Ctrl-C is for us, and we end it
        ) as process,
    ):
        try:
            yield from _read_records(_stdout(process), (frames_per_clip, size, size, 3))
        except EOFError:
            raise VideoReadingError(_death(process.wait(), said)) from None
        except (ValueError, KeyError, TypeError) as error:
            raise VideoReadingError(
                f"the process that decodes the videos wrote no record: {error}"
            ) from error
        finally:
            process.terminate()


def _read_records(stream: IO[bytes], shape: Shape) -> Iterator[VideoClip | RefusedVideo]:
    """Yield up to the last record; raises EOFError if it does not come, ValueError for what is no record."""
    while True:
        header = json.loads(_read_line(stream))
        kind = header["kind"]
        if kind == "end":
            return
        if kind == "refusal":
            yield RefusedVideo(Path(header["path"]), header["code"], header["reason"])
        elif kind == "clip":
            if tuple(header["shape"]) != shape:
                raise ValueError(f"a clip of the shape {header['shape']} where {list(shape)} was asked for")
            frames = _read_frames(stream, shape)
            yield VideoClip(Path(header["path"]), float(header["start_s"]), float(header["end_s"]), frames)
        else:
            raise ValueError(f"a record of the kind {kind!r}: known are clip, refusal and end")


def _read_line(stream: IO[bytes]) -> bytes:
    line = stream.readline(MAX_HEADER_BYTES)
    if not line.endswith(b"\n"):
        if len(line) == MAX_HEADER_BYTES:
            raise ValueError(f"a line of more than {MAX_HEADER_BYTES} bytes")
        raise EOFError
    return line


def _read_frames(stream: IO[bytes], shape: Shape) -> NDArray[np.uint8]:
    pixels = stream.read(int(np.prod(shape)))
    if len(pixels) < np.prod(shape):
        raise EOFError
    # A copy, because an array over bytes is read-only, which torch warns about.
    return np.frombuffer(pixels, dtype=np.uint8).reshape(shape).copy()


def _death(status: int, said: IO[bytes]) -> str:
    said.seek(0)
    words = " ".join(said.read().decode("utf-8", errors="replace").split())[-MAX_QUOTED_CHARACTERS:]
    how = f"was ended by signal {-status}" if status < 0 else f"exited with status {status}"
    return f"the process that decodes the videos {how} before the last clip" + (
        f" (it said: {words})" if words else ""
    )


def _stdout(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdout is None:
        raise ValueError("the process has no pipe: start it with stdout piped")
    return process.stdout
