"""Photographs with captions or class names, read from tar archives in WebDataset order.

Flickr8k: ``NAME.webp`` beside ``NAME.json`` (``{"captions": [...]}``).
Tiny ImageNet: ``NAME.WNID.webp`` and one ``classes.json`` (WNID → words).
"""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class CaptionedPhotograph:
    """An encoded photograph and the sentences said of it."""

    name: str
    encoded: bytes
    captions: tuple[str, ...]

    def decode(self) -> Image.Image:
        """Return the picture in RGB."""
        return Image.open(io.BytesIO(self.encoded)).convert("RGB")


def read_flickr8k(archive: Path) -> list[CaptionedPhotograph]:
    """Return the photographs of one split; raises ValueError for a photograph without captions."""
    photographs: dict[str, bytes] = {}
    captions: dict[str, tuple[str, ...]] = {}
    for member, content in _members(archive):
        name, _, suffix = member.rpartition(".")
        if suffix == "json":
            captions[name] = tuple(json.loads(content)["captions"])
        else:
            photographs[name] = content
    missing = sorted(name for name in photographs if not captions.get(name))
    if missing:
        raise ValueError(
            f"{archive}: {len(missing)} photographs have no caption, the first is {missing[0]!r}"
        )
    return [CaptionedPhotograph(name, encoded, captions[name]) for name, encoded in photographs.items()]


def read_tiny_imagenet(folder: Path) -> list[CaptionedPhotograph]:
    """Return the photographs of every ``train-*.tar`` of a folder, captioned by the names of their class."""
    captions = {
        wordnet_id: tuple(f"a photo of a {name.strip().lower()}" for name in names.split(","))
        for wordnet_id, names in json.loads((folder / "classes.json").read_text()).items()
    }
    photographs = []
    for archive in sorted(folder.glob("train-*.tar")):
        for member, content in _members(archive):
            name, wordnet_id, _ = member.rsplit(".", 2)
            photographs.append(CaptionedPhotograph(name, content, captions[wordnet_id]))
    if not photographs:
        raise ValueError(f"{folder} holds no train-*.tar: point --data at the folder that has tiny-imagenet/")
    return photographs


def centre_crop(picture: Image.Image, _: np.random.Generator | None = None) -> Image.Image:
    """Return the largest square in the middle, which is what an index sees of a frame."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def resize(picture: Image.Image, size: int) -> NDArray[np.uint8]:
    """Return the picture as RGB (size, size, 3)."""
    return np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC))


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if stream is not None:
                yield member.name, stream.read()
