"""LSMDC, the Large Scale Movie Description Challenge of 2016 (Rohrbach et al., IJCV 2017).

Tables without a header, six values a line parted by tabs: the clip, its start and end as aligned and as
extracted, and the sentence. A clip may have several lines. Test: the 1,000 clips of
``LSMDC16_challenge_1000_publictect.csv`` (so spelt). The videos lie in a folder for each film.
"""

from pathlib import Path

from model.datasets.annotation_text import malformed, read_lines, repeated
from model.datasets.assembly import assemble_videos
from model.datasets.base import Dataset, Refusal, Split
from model.datasets.dataset_files import DatasetFiles, Source

SOURCE = Source(
    "LSMDC",
    "Annotations and videos are given to those who ask for them at "
    "https://sites.google.com/site/describingmovies/download: the tables are LSMDC16_annos_training.csv, "
    "LSMDC16_annos_val.csv and LSMDC16_challenge_1000_publictect.csv.",
    "Unpack the videos in a folder for each film, as in "
    "0001_American_Beauty/0001_American_Beauty_00.00.51.926-00.00.54.129.avi.",
)
TABLES = {
    "train": "LSMDC16_annos_training.csv",
    "validation": "LSMDC16_annos_val.csv",
    "test": "LSMDC16_challenge_1000_publictect.csv",
}
VALUES = 6


def read_lsmdc(root: Path, split: Split) -> Dataset:
    """Return a split of LSMDC; raises DatasetError."""
    files = DatasetFiles(root, SOURCE)
    captions, refusals = _read_table(files.annotation(TABLES[split]))
    return assemble_videos(("lsmdc", split), files, captions, refusals)


def _read_table(path: Path) -> tuple[dict[str, list[str]], list[Refusal]]:
    captions: dict[str, list[str]] = {}
    lines: dict[tuple[str, str], int] = {}
    refusals = []
    for number, line in read_lines(path):
        values = [value.strip() for value in line.split("\t")]
        clip, sentence = values[0], values[-1]
        if len(values) != VALUES or not clip or not sentence:
            fault = f"is not a clip, four times and a sentence parted by tabs (it has {len(values)} values)"
            refusals.append(malformed(clip, path, number, fault))
        elif (clip, sentence) in lines:
            refusals.append(repeated(clip, path, number, lines[clip, sentence]))
        else:
            lines[clip, sentence] = number
            captions.setdefault(clip, []).append(sentence)
    return captions, refusals
