"""The split of a dataset that is evaluated, and the captions of its training split beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.datasets.base import CaptionedItem, Dataset, DatasetError, Photograph, Split
from model.datasets.photographs import read_archive
from model.datasets.registry import read_dataset

PHOTOGRAPHS = "photographs"

BANK_LIMIT = 20_000
"""Captions in a bank: of more, as many are taken evenly, as a bank takes 8 bytes a caption and video."""


@dataclass(frozen=True)
class CaptionBank:
    """Captions of the training split: ``captions`` of the ``available``, or why there are none."""

    captions: tuple[str, ...]
    available: int = 0
    absence: str = ""


def read_split(name: str, data: Path, split: Split) -> Dataset:
    """Return a split of a dataset; an archive of photographs is one of its own, called as the file is.

    Raises DatasetError.
    """
    if name != PHOTOGRAPHS or not data.is_file():
        return read_dataset(name, data, split)
    photographs, refusals = read_archive(data)
    items = [CaptionedItem(one.name, one.captions, Photograph(one.encoded)) for one in photographs]
    if not items:
        raise DatasetError(f"{data} holds no photograph with a caption that can be used")
    return Dataset(name, data.name, tuple(items), tuple(refusals))


def read_bank(name: str, data: Path, evaluated: Sequence[CaptionedItem]) -> CaptionBank:
    """Return the captions of the training split, but those of items that are ``evaluated``."""
    try:
        training = read_dataset(name, data if data.is_dir() else data.parent, "train")
    except DatasetError as error:
        return CaptionBank((), absence=f"the training split cannot be read: {error}")
    names = {item.name for item in evaluated}
    unseen = [item for item in training.items if item.name not in names]
    captions = [caption for item in unseen for caption in item.captions]
    if captions:
        return CaptionBank(_thin(captions), len(captions))
    if training.items:
        return CaptionBank((), absence="all items of the training split are among those evaluated")
    refused = f"; {training.refusals[0].reason}" if training.refusals else ""
    return CaptionBank((), absence=f"the training split has no item that can be used{refused}")


def _thin(captions: Sequence[str]) -> tuple[str, ...]:
    kept = min(len(captions), BANK_LIMIT)
    return tuple(captions[place * len(captions) // kept] for place in range(kept))
