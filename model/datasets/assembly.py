"""Puts captions and files together into a dataset, refusing what lacks either."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from model.datasets.base import CaptionedItem, Dataset, DatasetError, Refusal, VideoFile
from model.datasets.dataset_files import DatasetFiles

MISSING_FILE, NO_CAPTION = "missing-file", "no-caption"


def assemble_videos(
    dataset: tuple[str, str],
    files: DatasetFiles,
    captions: Mapping[str, Sequence[str]],
    refusals: Iterable[Refusal] = (),
    ends_s: Mapping[str, float] | None = None,
) -> Dataset:
    """Return the videos of ``captions`` in that order, each up to its ``ends_s``; ``dataset``: name, split.

    Raises DatasetError if not one can be used.
    """
    items = []
    refused = [*files.unreadable, *refusals]
    for name, sentences in captions.items():
        said = tuple(stripped for sentence in sentences if (stripped := sentence.strip()))
        found = files.video(name)
        if not said:
            refused.append(no_caption(name))
        elif found is None:
            refused.append(missing_file(name, files.root))
        else:
            refused.extend(found.others)
            items.append(CaptionedItem(name, said, VideoFile(found.path, end_s=(ends_s or {}).get(name))))
    return require_items(Dataset(*dataset, tuple(items), tuple(refused)), files)


def require_items(dataset: Dataset, files: DatasetFiles) -> Dataset:
    """Return ``dataset``; raises DatasetError if it has no item, saying why and what to download."""
    if dataset.items:
        return dataset
    first = f", the first: {dataset.refusals[0].reason}" if dataset.refusals else ""
    raise DatasetError(
        f"nothing of {dataset.name} ({dataset.split}) can be used: {len(dataset.refusals)} refused{first}. "
        f"{files.source.videos}"
    )


def missing_file(name: str, root: Path) -> Refusal:
    """Return the refusal of what is annotated and lies in no file."""
    return Refusal(name, MISSING_FILE, f"{name} is annotated, but no file under {root} is it")


def no_caption(name: str) -> Refusal:
    """Return the refusal of what nobody said a sentence of."""
    return Refusal(name, NO_CAPTION, f"{name} has no caption")
