"""Photographs with captions or class names, read from tar archives in WebDataset order or from files.

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

from model.datasets.annotation_text import DUPLICATE, MALFORMED
from model.datasets.assembly import MISSING_FILE, no_caption
from model.datasets.base import DatasetError, Photograph, Refusal
from model.datasets.dataset_files import UNREADABLE

PICTURE_EXTENSIONS = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".webp"))


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
    """Return the photographs of one split; raises DatasetError if one of them lacks anything."""
    photographs, refusals = read_archive(archive)
    if refusals:
        raise DatasetError(
            f"{archive}: {len(refusals)} photographs cannot be used, the first: {refusals[0].reason}"
        )
    return photographs


def read_archive(archive: Path) -> tuple[list[CaptionedPhotograph], list[Refusal]]:
    """Return the photographs of a WebDataset archive, and what it has of others; raises DatasetError."""
    photographs, captions, refusals = _read_pairs(archive)
    refused = {refusal.name for refusal in refusals}
    refusals += [no_caption(name) for name in photographs if not captions.get(name) and name not in refused]
    refusals += [
        Refusal(name, MISSING_FILE, f"{archive} has captions of {name}, but no picture")
        for name in captions
        if name not in photographs
    ]
    whole = [(name, encoded) for name, encoded in photographs.items() if captions.get(name)]
    return [CaptionedPhotograph(name, encoded, captions[name]) for name, encoded in whole], refusals


def read_photograph(name: str, path: Path) -> Photograph | Refusal:
    """Return the encoded picture in a file, or the refusal of ``name`` if the file cannot be read."""
    try:
        return Photograph(path.read_bytes())
    except OSError as error:
        return Refusal(
            name, UNREADABLE, f"{path} cannot be read ({error.strerror}): see that you may open it"
        )


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


def _read_pairs(archive: Path) -> tuple[dict[str, bytes], dict[str, tuple[str, ...]], list[Refusal]]:
    """Return pictures and captions by name, and a refusal for each member that is malformed or repeated."""
    photographs: dict[str, bytes] = {}
    captions: dict[str, tuple[str, ...]] = {}
    refusals = []
    for member, content in _members(archive):
        name, _, extension = member.rpartition(".")
        if name in (captions if extension == "json" else photographs):
            refusals.append(Refusal(name, DUPLICATE, f"{archive} has a second {member}: remove one"))
        elif extension != "json":
            photographs[name] = content
        else:
            try:
                captions[name] = _captions(content)
            except (KeyError, TypeError, ValueError) as error:
                captions[name] = ()
                refusals.append(Refusal(name, MALFORMED, f"{member} of {archive} has no captions ({error})"))
    return photographs, captions, refusals


def _captions(content: bytes) -> tuple[str, ...]:
    """Return the sentences of a JSON member; raises as a wrong one does."""
    sentences = json.loads(content)["captions"]
    if not isinstance(sentences, list) or not all(isinstance(sentence, str) for sentence in sentences):
        raise TypeError("its captions are no list of sentences")
    return tuple(stripped for sentence in sentences if (stripped := sentence.strip()))


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is not None:
                    yield member.name, stream.read()
    except (tarfile.TarError, OSError) as error:
        raise DatasetError(f"{archive} is no whole tar archive ({error}): get it again") from error
