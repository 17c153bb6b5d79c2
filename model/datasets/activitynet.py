"""ActivityNet Captions (Krishna et al., ICCV 2017) as paragraphs: a video's sentences in order of time.

10,009 training videos (``train.json``); test: the 4,917 of ``val_1.json``, as in the papers. ``val_2.json``
has other sentences of the same videos, so to choose a model on it would be to choose on the test. Instead a
twentieth of the training videos is held out for validation, by hash of the id. A video lasts from 0 to its
annotated duration, rounded up to whole seconds (MODEL-SPEC §1.8).
"""

from math import ceil, isfinite
from pathlib import Path
from typing import Any

from model.datasets.annotation_text import MALFORMED, read_json
from model.datasets.assembly import assemble_videos
from model.datasets.base import Dataset, DatasetError, Refusal, Split
from model.datasets.dataset_files import DatasetFiles, Source
from model.datasets.held_out import hold_out

SOURCE = Source(
    "ActivityNet Captions",
    "The annotations are captions.zip of https://cs.stanford.edu/people/ranjaykrishna/densevid/: unpack it, "
    "so that train.json and val_1.json lie there.",
    "The videos are to be asked for at http://activity-net.org/download.html: put v_QOlSCBRmfWY.mp4 (or "
    ".mkv, .webm) and its like there.",
)
FILES = {"train": "train.json", "validation": "train.json", "test": "val_1.json"}
HELD_OUT_SHARE = 0.05


def read_activitynet(root: Path, split: Split) -> Dataset:
    """Return a split of ActivityNet Captions, one paragraph a video; raises DatasetError."""
    files = DatasetFiles(root, SOURCE)
    path = files.annotation(FILES[split])
    content = read_json(path)
    if not isinstance(content, dict):
        raise DatasetError(f"{path} does not give each video its sentences. {SOURCE.annotations}")
    names = list(content)
    if split != "test":
        held_out = hold_out(names, HELD_OUT_SHARE)
        names = [name for name in names if (name in held_out) == (split == "validation")]
    captions: dict[str, list[str]] = {}
    ends_s: dict[str, float] = {}
    refusals = []
    for name in names:
        try:
            captions[name] = [_paragraph(content[name])]
            ends_s[name] = _whole_seconds(content[name]["duration"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            captions.pop(name, None)
            refusals.append(_malformed(name, path, error))
    return assemble_videos(("activitynet", split), files, captions, refusals, ends_s)


def _paragraph(annotation: Any) -> str:
    """Return the sentences in order of their starts, as one; raises as a wrong annotation does."""
    starts_s = [float(start_s) for start_s, _ in annotation["timestamps"]]
    spoken = sorted(zip(starts_s, annotation["sentences"], strict=True), key=lambda pair: pair[0])
    return " ".join(sentence.strip() for _, sentence in spoken if sentence.strip())


def _whole_seconds(duration_s: Any) -> float:
    if isinstance(duration_s, bool) or not isfinite(duration_s) or duration_s <= 0:
        raise ValueError(f"its duration is {duration_s} s")
    return float(ceil(duration_s))


def _malformed(name: str, path: Path, error: Exception) -> Refusal:
    reason = (
        f"{name} of {path} lacks a duration, timestamps [start, end] or a sentence for each of them ({error})"
    )
    return Refusal(name, MALFORMED, reason)
