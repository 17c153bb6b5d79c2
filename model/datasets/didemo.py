"""DiDeMo (Hendricks et al., ICCV 2017) as paragraphs: what was said of the moments of a video, joined.

``train_data.json``, ``val_data.json`` and ``test_data.json`` are lists of descriptions, several a video. The
videos are called as on Flickr, some with an extension that the file has no more (``x.avi.mp4``, ``x.mp4``).
Longer videos were cut to their first 30 s before they were described, and so are they here.
"""

from pathlib import Path

from model.datasets.annotation_text import DUPLICATE, MALFORMED, read_json
from model.datasets.assembly import assemble_videos
from model.datasets.base import Dataset, DatasetError, Refusal, Split
from model.datasets.dataset_files import DatasetFiles, Source

SOURCE = Source(
    "DiDeMo",
    "The annotations are train_data.json, val_data.json and test_data.json in the folder data of "
    "https://github.com/LisaAnne/LocalizingMoments.",
    "The same page says how to download the videos; keep the names they get there, such as "
    "12345678@N00_1234567890_0123456789.avi.mp4.",
)
FILES = {"train": "train_data.json", "validation": "val_data.json", "test": "test_data.json"}
DESCRIBED_S = 30.0


def read_didemo(root: Path, split: Split) -> Dataset:
    """Return a split of DiDeMo, one paragraph a video; raises DatasetError."""
    files = DatasetFiles(root, SOURCE)
    descriptions, refusals = _read_descriptions(files.annotation(FILES[split]))
    captions = {name: [" ".join(said)] for name, said in descriptions.items()}
    ends_s = dict.fromkeys(captions, DESCRIBED_S)
    return assemble_videos(("didemo", split), files, captions, refusals, ends_s)


def _read_descriptions(path: Path) -> tuple[dict[str, list[str]], list[Refusal]]:
    content = read_json(path)
    if not isinstance(content, list):
        raise DatasetError(f"{path} is no list of descriptions. {SOURCE.annotations}")
    descriptions: dict[str, list[str]] = {}
    seen: dict[object, int] = {}
    refusals = []
    for number, annotation in enumerate(content):
        values = annotation if isinstance(annotation, dict) else {}
        name, said, identifier = values.get("video"), values.get("description"), values.get("annotation_id")
        if not isinstance(name, str) or not name or not isinstance(said, str) or not said.strip():
            reason = f"entry {number} of {path} lacks its video or its description: add it"
            refusals.append(Refusal(str(name or f"entry {number}"), MALFORMED, reason))
        elif isinstance(identifier, int) and seen.setdefault(identifier, number) != number:
            reason = (
                f"entry {number} of {path} has the annotation_id {identifier} of entry {seen[identifier]}"
            )
            refusals.append(Refusal(name, DUPLICATE, f"{reason}: remove it"))
        else:
            descriptions.setdefault(name, []).append(said.strip())
    return descriptions, refusals
