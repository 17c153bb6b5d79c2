"""Videos made of captioned photographs: a camera that wanders slowly over one to three of them.

Real captioned videos cannot be bundled; photographs with captions are at hand. Frames repeat each other as
neighbouring frames of a film do, and scenes change by hard cuts, so that there is something for token
reduction to merge and something it must not. Nothing in them moves but the camera: they say nothing of how
well a model tells actions apart.
"""

import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.datasets.base import CaptionedItem, Dataset, Photograph, Split
from model.datasets.photograph_sets import read_photographs

NAME = "pans"

FRAMES = 24
"""Frames of a clip: 8 seconds at 3 a second, twice what the short-video settings of the papers look at."""

MOST_PHOTOGRAPHS = 3
"""Of a clip; with three, sentences begin to be longer than the 32 tokens that the papers' settings read."""

SMALLEST_WINDOW = 0.65
"""Side of what the camera sees, as a share of the photograph's short side; the largest is all of it."""

MOST_ZOOM = 1.25
"""How many times as large the window of a shot becomes, or as small."""

MOST_TRAVEL = 0.3
"""How far the window's middle moves in a shot along either axis, a share of the photograph's short side."""

MOST_EXPOSURE = 0.15
"""How much brighter or darker a shot is than its photograph, as a share of its brightness."""


class Window(NamedTuple):
    """A square of a photograph, in its pixels."""

    x: float
    """Of the middle, from the left."""
    y: float
    """Of the middle, from the top."""
    side: float

    def inside(self, picture: Image.Image) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom, without what rounding puts beyond the picture."""
        half = self.side / 2
        right, bottom = min(self.x + half, picture.width), min(self.y + half, picture.height)
        return max(self.x - half, 0), max(self.y - half, 0), right, bottom


@dataclass(frozen=True)
class Pan:
    """A clip over encoded photographs; two of equal fields have equal frames."""

    photographs: tuple[bytes, ...]
    seed: int
    frames: int = FRAMES

    def render(self, size: int) -> NDArray[np.uint8]:
        """Return the frames (F, size, size, 3) in RGB, with a hard cut between photographs.

        Raises OSError for a photograph that cannot be decoded.
        """
        generator = np.random.default_rng(self.seed)
        lengths = _divide(self.frames, len(self.photographs), generator)
        shots = [
            frame
            for encoded, length in zip(self.photographs, lengths, strict=True)
            for frame in _film(encoded, length, size, generator)
        ]
        return np.stack(shots)


def read_pans(root: Path, split: Split) -> Dataset:
    """Return the clips made of the photographs under ``root``, each photograph in one clip of one split.

    Photographs are those of ``read_photographs``, whose splits, refusals and errors they keep.
    """
    photographs = read_photographs(root, split)
    return Dataset(NAME, split, make_pans(photographs.items), photographs.refusals)


def make_pans(photographs: Sequence[CaptionedItem], seed: int = 0) -> tuple[CaptionedItem, ...]:
    """Return clips that use each photograph once, in an order drawn from ``seed``.

    A clip's i-th caption tells the i-th captions of its photographs one after the other. Raises ValueError
    for an item that is no photograph.
    """
    generator = np.random.default_rng(seed)
    shuffled = [photographs[place] for place in generator.permutation(len(photographs))]
    return tuple(_join(group) for group in _group(shuffled, generator))


def tell_in_order(captions: Sequence[str]) -> str:
    """Return captions as sentences one after the other: ``A dog runs. Then a boy jumps.``."""
    first, *others = [_end(caption.strip().rstrip(". ")) for caption in captions]
    later = [f"Then {other[:1].lower()}{other[1:]}" for other in others]
    return " ".join([first[:1].upper() + first[1:], *later])


def _end(sentence: str) -> str:
    return sentence if sentence.endswith(("!", "?")) else f"{sentence}."


def _group(
    photographs: Sequence[CaptionedItem], generator: np.random.Generator
) -> Iterator[Sequence[CaptionedItem]]:
    start = 0
    while start < len(photographs):
        count = int(generator.integers(1, MOST_PHOTOGRAPHS + 1))
        yield photographs[start : start + count]
        start += count


def _join(photographs: Sequence[CaptionedItem]) -> CaptionedItem:
    name = "+".join(photograph.name for photograph in photographs)
    most = max(len(photograph.captions) for photograph in photographs)
    captions = tuple(
        tell_in_order([p.captions[index % len(p.captions)] for p in photographs]) for index in range(most)
    )
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    return CaptionedItem(name, captions, Pan(tuple(_encoded(p) for p in photographs), seed))


def _encoded(item: CaptionedItem) -> bytes:
    if not isinstance(item.media, Photograph):
        raise ValueError(
            f"{item.name!r} is no photograph but {type(item.media).__name__}: pans need pictures"
        )
    return item.media.encoded


def _divide(frames: int, shots: int, generator: np.random.Generator) -> list[int]:
    """Return lengths of shots that add up to ``frames``, none shorter than half of an equal share."""
    least = max(1, frames // (2 * shots))
    spare = frames - least * shots
    if spare < 0:
        raise ValueError(f"{frames} frames cannot show {shots} photographs: ask for {shots} or more")
    cuts = np.sort(generator.integers(0, spare + 1, shots - 1))
    return [int(least + length) for length in np.diff([0, *cuts, spare])]


def _film(
    encoded: bytes, length: int, size: int, generator: np.random.Generator
) -> Iterator[NDArray[np.uint8]]:
    picture = Image.open(io.BytesIO(encoded)).convert("RGB")
    start, end = _draw_path(picture.width, picture.height, generator)
    exposure = 1 + generator.uniform(-MOST_EXPOSURE, MOST_EXPOSURE)
    for share in np.linspace(0, 1, length):
        window = Window(*((1 - share) * a + share * b for a, b in zip(start, end, strict=True)))
        seen = picture.resize((size, size), Image.Resampling.BICUBIC, box=window.inside(picture))
        yield (np.asarray(seen) * exposure).clip(0, 255).round().astype(np.uint8)


def _draw_path(width: int, height: int, generator: np.random.Generator) -> tuple[Window, Window]:
    """Return the first and the last window; being square and inside, so are all between them."""
    short = min(width, height)
    sides = generator.uniform(SMALLEST_WINDOW, 1) * short * np.ones(2)
    sides[1] *= math.exp(generator.uniform(-1, 1) * math.log(MOST_ZOOM))
    first_side, last_side = (float(side) for side in sides.clip(SMALLEST_WINDOW * short, short))
    start = Window(
        generator.uniform(first_side / 2, width - first_side / 2),
        generator.uniform(first_side / 2, height - first_side / 2),
        first_side,
    )
    step_x, step_y = generator.uniform(-MOST_TRAVEL, MOST_TRAVEL, 2) * short
    end = Window(
        min(max(start.x + step_x, last_side / 2), width - last_side / 2),
        min(max(start.y + step_y, last_side / 2), height - last_side / 2),
        last_side,
    )
    return start, end
