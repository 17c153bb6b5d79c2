"""What every dataset reader returns: captioned items, and those it had to refuse."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Split: TypeAlias = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class VideoFile:
    """A video file, or the part of it from ``start_s`` to ``end_s``; None: to its end."""

    path: Path
    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True)
class Photograph:
    """An encoded picture, which is a video of one frame."""

    encoded: bytes


class RenderedMedia(Protocol):
    """A video that is drawn when it is wanted, and lies in no file."""

    def render(self, size: int) -> NDArray[np.uint8]:
        """Return its frames (F, size, size, 3) in RGB."""


Media: TypeAlias = VideoFile | Photograph | RenderedMedia


@dataclass(frozen=True)
class CaptionedItem:
    """A video or picture with at least one sentence said of it; ``name`` is the dataset's own id."""

    name: str
    captions: tuple[str, ...]
    media: Media


@dataclass(frozen=True)
class Refusal:
    """What is annotated but cannot be used; ``code`` is stable, ``reason`` is for a person."""

    name: str
    code: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """One split of a dataset: what can be used of it, and what was refused."""

    name: str
    split: str
    items: tuple[CaptionedItem, ...]
    refusals: tuple[Refusal, ...]


class DatasetError(ValueError):
    """An annotation file is missing or malformed; the message says what to download and where to put it."""
