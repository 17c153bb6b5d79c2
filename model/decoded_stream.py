"""Pixels of videos, read from a process that decodes: its records, and what becomes of the process.

The model knows no video library. What decodes is a program, and the seam is its output: each record is one
line of JSON, and behind the line of a record with pixels come its bytes. ``indexer.streams.clip_stream`` and
``indexer.streams.frame_stream`` write such records; this side would read any program that does.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

PYTHON_MODULE = (sys.executable, "-P", "-m")
"""``-P`` keeps the current folder, which may be anybody's, out of the import path."""

MAX_HEADER_BYTES = 64 * 1024
"""No line of JSON is as long: beyond it, what is read is no record."""

MAX_QUOTED_CHARACTERS = 500


class VideoReadingError(RuntimeError):
    """The process that decodes ended before its last record, or wrote what is no record."""


@dataclass(frozen=True)
class WantedPixels:
    """Which records carry pixels, and how many: ``frames`` squares of ``size`` pixels, RGB."""

    kind: str
    frames: range
    size: int

    def shape(self, told: Sequence[int]) -> tuple[int, int, int, int]:
        """Return the shape ``told`` by a record; raises ValueError if it is not what was asked for."""
        count, *picture = told
        if picture != [self.size, self.size, 3] or count not in self.frames:
            counts = f"{self.frames[0]} to {self.frames[-1]}" if len(self.frames) > 1 else self.frames[0]
            raise ValueError(
                f"{self.kind} of the shape {told} where [{counts}, {self.size}, {self.size}, 3] was asked for"
            )
        return (count, self.size, self.size, 3)


@dataclass(frozen=True)
class VideoClip:
    """Part of a file: its bounds in seconds, and ``frames`` (T, H, W, 3) uint8 RGB from between them."""

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


def read_records(
    command: Sequence[str], wanted: WantedPixels, requests: bytes = b""
) -> Generator[VideoClip | RefusedVideo]:
    """Run ``command`` with ``requests`` for its standard input; yield its records up to the last.

    Closing the iterator ends the process. Raises VideoReadingError.
    """
    with (
        tempfile.TemporaryFile() as asked,  # a pipe would have to be filled while the answers are read
        tempfile.TemporaryFile() as said,  # a pipe that nobody empties would block the process
    ):
        asked.write(requests)
        asked.seek(0)
        with subprocess.Popen(
            command,
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=said,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
            process_group=0,  # Ctrl-C is for us, and we end it
        ) as process:
            try:
                yield from _records(_stdout(process), wanted)
            except EOFError:
                raise VideoReadingError(_death(process.wait(), said)) from None
            except (ValueError, KeyError, TypeError) as error:
                raise VideoReadingError(
                    f"the process that decodes the videos wrote no record: {error}"
                ) from error
            finally:
                process.terminate()


def _records(stream: IO[bytes], wanted: WantedPixels) -> Iterator[VideoClip | RefusedVideo]:
    """Yield up to the last record; raises EOFError if it does not come, ValueError for what is no record."""
    while True:
        header = json.loads(_read_line(stream))
        kind = header["kind"]
        if kind == "end":
            return
        if kind == "refusal":
            yield RefusedVideo(Path(header["path"]), header["code"], header["reason"])
        elif kind == wanted.kind:
            frames = _read_frames(stream, wanted.shape(header["shape"]))
            yield VideoClip(Path(header["path"]), float(header["start_s"]), float(header["end_s"]), frames)
        else:
            raise ValueError(f"a record of the kind {kind!r}: known are {wanted.kind}, refusal and end")


def _read_line(stream: IO[bytes]) -> bytes:
    line = stream.readline(MAX_HEADER_BYTES)
    if not line.endswith(b"\n"):
        if len(line) == MAX_HEADER_BYTES:
            raise ValueError(f"a line of more than {MAX_HEADER_BYTES} bytes")
        raise EOFError
    return line


def _read_frames(stream: IO[bytes], shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    pixels = stream.read(prod(shape))
    if len(pixels) < prod(shape):
        raise EOFError
    # A copy, because an array over bytes is read-only, which torch warns about.
    return np.frombuffer(pixels, dtype=np.uint8).reshape(shape).copy()


def _death(status: int, said: IO[bytes]) -> str:
    said.seek(0)
    words = " ".join(said.read().decode("utf-8", errors="replace").split())[-MAX_QUOTED_CHARACTERS:]
    how = f"was ended by signal {-status}" if status < 0 else f"exited with status {status}"
    return f"the process that decodes the videos {how} before its last record" + (
        f" (it said: {words})" if words else ""
    )


def _stdout(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdout is None:
        raise ValueError("the process has no pipe: start it with stdout piped")
    return process.stdout
