"""MSR-VTT (Xu et al., CVPR 2016) in the splits that retrieval is measured on.

Training: 7,010 videos ("7k") or 9,000 ("9k"), 20 captions each, listed in ``MSRVTT_train.7k.csv`` or
``MSRVTT_train.9k.csv`` and captioned in ``MSRVTT_data.json``. Test: the 1,000 pairs of JSFusion (Yu et al.,
ECCV 2018; "1k-A") in ``MSRVTT_JSFUSION_test.csv``. Neither split has validation videos, and the papers choose
their epoch on the test. We do not: a twentieth of the training videos is held out, by hash of the id.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from model.datasets.annotation_text import (
    MALFORMED,
    Row,
    read_json,
    read_table,
    refuse_blank,
    refuse_repeated,
)
from model.datasets.assembly import assemble_videos
from model.datasets.base import Dataset, DatasetError, Refusal, Split
from model.datasets.dataset_files import DatasetFiles, Source
from model.datasets.held_out import hold_out

SOURCE = Source(
    "MSR-VTT",
    "The annotations are msrvtt_data.zip in the releases of https://github.com/ArrowLuo/CLIP4Clip.",
    "The videos are MSRVTT.zip, which the project page of Frozen in Time offers "
    "(https://github.com/m-bain/frozen-in-time): unpack it, so that videos/all/video0.mp4 and "
    "its like lie there.",
)
DATA_FILE, TEST_FILE = "MSRVTT_data.json", "MSRVTT_JSFUSION_test.csv"
TRAIN_FILES = {"msr-vtt-7k": "MSRVTT_train.7k.csv", "msr-vtt-9k": "MSRVTT_train.9k.csv"}
HELD_OUT_SHARE = 0.05


def read_7k(root: Path, split: Split) -> Dataset:
    """Return a split of MSR-VTT 7k, tested on 1k-A; raises DatasetError."""
    return _read("msr-vtt-7k", root, split)


def read_9k(root: Path, split: Split) -> Dataset:
    """Return a split of MSR-VTT 9k, tested on 1k-A; raises DatasetError."""
    return _read("msr-vtt-9k", root, split)


def _read(name: str, root: Path, split: Split) -> Dataset:
    files = DatasetFiles(root, SOURCE)
    if split == "test":
        captions, refusals = _read_test(files.annotation(TEST_FILE))
    else:
        videos, refusals = _read_ids(files.annotation(TRAIN_FILES[name]))
        held_out = hold_out(videos, HELD_OUT_SHARE)
        chosen = [video for video in videos if (video in held_out) == (split == "validation")]
        captions, malformed = _read_sentences(files.annotation(DATA_FILE), chosen)
        refusals += malformed
    return assemble_videos((name, split), files, captions, refusals)


def _read_test(path: Path) -> tuple[dict[str, list[str]], list[Refusal]]:
    rows, refusals = _read_rows(path, ["video_id", "sentence"])
    return {row["video_id"]: [row["sentence"]] for row in rows}, refusals


def _read_ids(path: Path) -> tuple[list[str], list[Refusal]]:
    rows, refusals = _read_rows(path, ["video_id"])
    return [row["video_id"] for row in rows], refusals


def _read_rows(path: Path, columns: Sequence[str]) -> tuple[list[Row], list[Refusal]]:
    rows, misshapen = read_table(path, columns)
    rows, blank = refuse_blank(rows, columns, path)
    rows, further = refuse_repeated(rows, "video_id", path)
    return rows, misshapen + blank + further


def _read_sentences(path: Path, videos: Collection[str]) -> tuple[dict[str, list[str]], list[Refusal]]:
    content = read_json(path)
    sentences = content.get("sentences") if isinstance(content, dict) else None
    if not isinstance(sentences, list):
        raise DatasetError(f"{path} has no list of sentences. {SOURCE.annotations}")
    captions: dict[str, list[str]] = {video: [] for video in videos}
    refusals = []
    for number, sentence in enumerate(sentences):
        video, caption = _fields(sentence)
        if video is None:
            refusals.append(_malformed(f"sentence {number}", path, number))
        elif video in captions and caption is None:
            refusals.append(_malformed(video, path, number))
        elif video in captions and caption is not None:
            captions[video].append(caption)
    return captions, refusals


def _fields(sentence: Any) -> tuple[str | None, str | None]:
    values = sentence if isinstance(sentence, dict) else {}
    video, caption = values.get("video_id"), values.get("caption")
    has_words = isinstance(caption, str) and caption.strip()
    return video if isinstance(video, str) else None, caption if has_words else None


def _malformed(name: str, path: Path, number: int) -> Refusal:
    return Refusal(
        name, MALFORMED, f"sentences[{number}] of {path} lacks its video_id or its caption: add it"
    )
