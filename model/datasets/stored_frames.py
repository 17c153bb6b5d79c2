"""The file that holds the candidate frames of one item, or why there are none.

A line of JSON with the lengths of the pictures, then the pictures, each a JPEG of quality 95 with full colour
resolution; or only a line with a code and a reason. The file is there whole or not at all.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

JPEG_QUALITY = 95
FULL_COLOUR = 0  # Pillow's name of 4:4:4

UNFINISHED_NAME = ".unfinished"


@dataclass(frozen=True)
class StoredRefusal:
    """Why an item has no candidates: a stable code, and a reason for a person."""

    code: str
    reason: str

    def write(self, path: Path) -> None:
        """Write the file at ``path``, whole or not at all."""
        _write_whole(path, {"code": self.code, "reason": self.reason}, [])


@dataclass(frozen=True)
class StoredFrames:
    """The ``count`` of an item's candidates, and the file they are read from when wanted."""

    path: Path
    count: int

    @classmethod
    def write(cls, path: Path, frames: NDArray[np.uint8]) -> Self:
        """Write ``frames`` (F, H, W, 3) at ``path``, whole or not at all."""
        pictures = [_to_jpeg(frame) for frame in frames]
        _write_whole(path, [len(picture) for picture in pictures], pictures)
        return cls(path, len(pictures))

    def read(self, chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the ``chosen`` pictures, of which each is decoded once: (T, H, W, 3)."""
        wanted, places = np.unique(chosen, return_inverse=True)
        if wanted[0] < 0 or wanted[-1] >= self.count:
            raise IndexError(f"candidates {wanted[0]} to {wanted[-1]} were chosen of {self.count}")
        with self.path.open("rb") as stream:
            header = stream.readline()
            starts = _starts(header)
            pictures = []
            for index in wanted:
                stream.seek(starts[index])
                pictures.append(_from_jpeg(stream.read(starts[index + 1] - starts[index])))
        return np.stack(pictures)[places]


def open_stored(path: Path) -> StoredFrames | StoredRefusal | None:
    """Return what the file at ``path`` holds, or None where there is none that is whole."""
    try:
        with path.open("rb") as stream:
            return _read(stream, path)
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _read(stream: BinaryIO, path: Path) -> StoredFrames | StoredRefusal | None:
    header = stream.readline()
    told = json.loads(header)
    if isinstance(told, dict):
        return StoredRefusal(**told)
    starts = _starts(header)
    is_whole = os.fstat(stream.fileno()).st_size == starts[-1]
    return StoredFrames(path, len(starts) - 1) if is_whole and len(starts) > 1 else None


def _starts(header: bytes) -> list[int]:
    """Return the offsets of the pictures, and behind them the length of the file."""
    return list(accumulate(json.loads(header), initial=len(header)))


def _write_whole(path: Path, header: object, pictures: Sequence[bytes]) -> None:
    """Write a file under another name first, which the next to write takes over if this process dies."""
    unfinished = path.with_name(UNFINISHED_NAME)
    with unfinished.open("wb") as stream:
        stream.write(json.dumps(header).encode() + b"\n")
        stream.writelines(pictures)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(path)


def _to_jpeg(frame: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(frame).save(buffer, format="JPEG", quality=JPEG_QUALITY, subsampling=FULL_COLOUR)
    return buffer.getvalue()


def _from_jpeg(encoded: bytes) -> NDArray[np.uint8]:
    with Image.open(BytesIO(encoded)) as picture:
        return np.asarray(picture)
