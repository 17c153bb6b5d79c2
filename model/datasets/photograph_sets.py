"""Image sets in the manner of Flickr8k (Hodosh, Young and Hockenmaier, JAIR 2013), in archives or a folder.

- ``train.tar``, ``val.tar``, ``test.tar``: WebDataset archives of ``NAME.webp`` (or .jpg) and ``NAME.json``.
- Else ``Flickr8k.token.txt`` (``NAME.jpg#0``, tab, sentence) or ``captions.txt`` (columns image, caption),
  split by ``Flickr_8k.trainImages.txt``, ``Flickr_8k.devImages.txt`` and ``Flickr_8k.testImages.txt``. Where
  none of the three is there, an eighth is held out for the test and an eighth of the rest for validation, by
  hash of the name; such figures are not those of the official split.

The encoded pictures are held in memory: about 1 GB for the original Flickr8k.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

from model.datasets.annotation_text import (
    malformed,
    read_lines,
    read_names,
    read_table,
    refuse_blank,
    repeated,
)
from model.datasets.assembly import missing_file, no_caption, require_items
from model.datasets.base import CaptionedItem, Dataset, Photograph, Refusal, Split
from model.datasets.dataset_files import DatasetFiles, Source
from model.datasets.held_out import hold_out
from model.datasets.photographs import read_archive, read_photograph

NAME = "photographs"
SOURCE = Source(
    "photographs with captions",
    "They come as train.tar, val.tar and test.tar of NAME.webp with NAME.json, or as Flickr8k.token.txt (of "
    "Flickr8k_text.zip, with Flickr_8k.trainImages.txt and its like) or captions.txt beside the pictures.",
    "The pictures of Flickr8k are Flickr8k_Dataset.zip, linked from its authors' page "
    "(https://hockenmaier.cs.illinois.edu/8k-pictures.html).",
)
ARCHIVES = {"train": "train.tar", "validation": "val.tar", "test": "test.tar"}
LISTS = {
    "train": "Flickr_8k.trainImages.txt",
    "validation": "Flickr_8k.devImages.txt",
    "test": "Flickr_8k.testImages.txt",
}
TOKEN_FILE, TABLE_FILE = "Flickr8k.token.txt", "captions.txt"
HELD_OUT_SHARE = 0.125

Captions = dict[str, list[str]]


def read_photographs(root: Path, split: Split) -> Dataset:
    """Return a split of an image set; raises DatasetError."""
    files = DatasetFiles(root, SOURCE)
    if any(files.has(archive) for archive in ARCHIVES.values()):
        photographs, refusals = read_archive(files.annotation(ARCHIVES[split]))
        items = [CaptionedItem(one.name, one.captions, Photograph(one.encoded)) for one in photographs]
    else:
        path = files.annotation(TOKEN_FILE, TABLE_FILE)
        captions, refusals = _read_tokens(path) if path.name == TOKEN_FILE else _read_table(path)
        names, repetitions = _names(files, captions, split)
        elsewhere = captions.keys() - set(names)
        refusals = [refusal for refusal in refusals if refusal.name not in elsewhere]
        items, refused = _read_pictures(files, names, captions)
        refusals += [*repetitions, *refused]
    return require_items(Dataset(NAME, split, tuple(items), (*files.unreadable, *refusals)), files)


def _read_tokens(path: Path) -> tuple[Captions, list[Refusal]]:
    captions: Captions = {}
    lines: dict[str, int] = {}
    refusals = []
    for number, line in read_lines(path):
        token, _, sentence = line.partition("\t")
        token = token.strip()
        name, _, _ = token.rpartition("#")
        if not name or not sentence.strip():
            refusals.append(malformed(name or token, path, number, "is not NAME.jpg#0, a tab and a sentence"))
        elif token in lines:
            refusals.append(repeated(name, path, number, lines[token]))
        else:
            lines[token] = number
            captions.setdefault(name, []).append(sentence.strip())
    return captions, refusals


def _read_table(path: Path) -> tuple[Captions, list[Refusal]]:
    captions: Captions = {}
    rows, refusals = read_table(path, ["image", "caption"])
    rows, blank = refuse_blank(rows, ["image", "caption"], path)
    for row in rows:
        captions.setdefault(row["image"], []).append(row["caption"])
    return captions, refusals + blank


def _names(files: DatasetFiles, captions: Captions, split: Split) -> tuple[Collection[str], list[Refusal]]:
    """Return the pictures of the split in the order of their list, or of the captions."""
    if any(files.has(name) for name in LISTS.values()):
        return read_names(files.annotation(LISTS[split]))
    tested = hold_out(captions, HELD_OUT_SHARE)
    validated = hold_out(captions.keys() - tested, HELD_OUT_SHARE)
    if split == "test":
        return [name for name in captions if name in tested], []
    others = [name for name in captions if name not in tested]
    return [name for name in others if (name in validated) == (split == "validation")], []


def _read_pictures(
    files: DatasetFiles, names: Iterable[str], captions: Captions
) -> tuple[list[CaptionedItem], list[Refusal]]:
    items: list[CaptionedItem] = []
    refusals: list[Refusal] = []
    for name in names:
        found = files.named(name)
        if name not in captions:
            refusals.append(no_caption(name))
        elif found is None:
            refusals.append(missing_file(name, files.root))
        elif isinstance(picture := read_photograph(name, found.path), Refusal):
            refusals.append(picture)
        else:
            refusals.extend(found.others)
            items.append(CaptionedItem(name, tuple(captions[name]), picture))
    return items, refusals
