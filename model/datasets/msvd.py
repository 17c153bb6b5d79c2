"""MSVD, the Microsoft Research Video Description Corpus (Chen and Dolan, ACL 2011).

1,970 clips of YouTube, split 1,200 / 100 / 670 by ``train_list.txt``, ``val_list.txt`` and ``test_list.txt``,
each with about 40 captions, all of which are used. The English ones come from ``AllVideoDescriptions.txt``
(an id and a sentence a line) or, where that is absent, from the original table of all languages, ``MSR Video
Description Corpus.csv``. The ``raw-captions.pkl`` of other distributions is never read: to unpickle a file is
to run its program.
"""

from collections.abc import Collection
from pathlib import Path

from model.datasets.annotation_text import malformed, read_lines, read_names, read_table
from model.datasets.assembly import assemble_videos
from model.datasets.base import Dataset, Refusal, Split
from model.datasets.dataset_files import DatasetFiles, Source

SOURCE = Source(
    "MSVD",
    "The lists train_list.txt, val_list.txt and test_list.txt are in msvd_data.zip of the releases of "
    "https://github.com/ArrowLuo/CLIP4Clip; the captions are AllVideoDescriptions.txt of "
    "https://www.cs.utexas.edu/users/ml/clamp/videoDescription/ or Microsoft's own MSR Video Description "
    "Corpus.csv. A raw-captions.pkl is not read, since opening such a file runs whatever program it holds.",
    "The videos are YouTubeClips.tar of https://www.cs.utexas.edu/users/ml/clamp/videoDescription/: unpack "
    "it, so that -4wsuPCjDBc_5_15.avi and its like lie there.",
)
LISTS = {"train": "train_list.txt", "validation": "val_list.txt", "test": "test_list.txt"}
TEXT_FILE = "AllVideoDescriptions.txt"
TABLE_FILES = ("MSR Video Description Corpus.csv", "video_corpus.csv")
COLUMNS = ("VideoID", "Start", "End", "Language", "Description")


def read_msvd(root: Path, split: Split) -> Dataset:
    """Return a split of MSVD; raises DatasetError."""
    files = DatasetFiles(root, SOURCE)
    videos, refusals = read_names(files.annotation(LISTS[split]))
    path = files.annotation(TEXT_FILE, *TABLE_FILES)
    read = _read_text if path.name == TEXT_FILE else _read_corpus
    captions, refused = read(path, videos)
    return assemble_videos(("msvd", split), files, captions, [*refusals, *refused])


def _read_text(path: Path, videos: Collection[str]) -> tuple[dict[str, list[str]], list[Refusal]]:
    """Read lines of an id, a space and a sentence; those that begin with # are remarks."""
    captions: dict[str, list[str]] = {video: [] for video in videos}
    refusals = []
    for number, line in read_lines(path):
        video, *words = line.split(maxsplit=1)
        if line.startswith("#") or video not in captions:
            continue
        if words:
            captions[video].append(words[0])
        else:
            refusals.append(malformed(video, path, number, "lacks its caption: add it"))
    return captions, refusals


def _read_corpus(path: Path, videos: Collection[str]) -> tuple[dict[str, list[str]], list[Refusal]]:
    captions: dict[str, list[str]] = {video: [] for video in videos}
    rows, refusals = read_table(path, COLUMNS)
    for row in rows:
        video = "_".join([row["VideoID"], row["Start"], row["End"]])
        if video not in captions or row["Language"] != "English":
            continue
        if row["Description"]:
            captions[video].append(row["Description"])
        else:
            refusals.append(malformed(video, path, row.line, "lacks its Description: add it"))
    return captions, refusals
