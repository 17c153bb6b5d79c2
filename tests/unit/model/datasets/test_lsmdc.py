"""LSMDC: tables parted by tabs, videos in a folder for each film."""

from pathlib import Path

import pytest

from model.datasets.base import DatasetError, Split
from model.datasets.registry import read_dataset
from tests.dataset_folder import captions_of, paths_of, put_videos, refusals_of

FIRST = "0001_American_Beauty_00.00.51.926-00.00.54.129"
SECOND = "1004_Juno_00.01.02.100-00.01.05.000"
ABSENT = "0017_Pianist_00.23.28.872-00.23.34.843"
TIMES = "00.00.51.926\t00.00.54.129\t00.00.51.815\t00.00.54.018"


def write_dataset(root: Path, lines: str) -> Path:
    for name in (
        "LSMDC16_annos_training.csv",
        "LSMDC16_annos_val.csv",
        "LSMDC16_challenge_1000_publictect.csv",
    ):
        (root / name).write_text(lines)
    put_videos(root / "avi" / "0001_American_Beauty", [f"{FIRST}.avi"])
    put_videos(root / "avi" / "1004_Juno", [f"{SECOND}.avi"])
    return root


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_clip_keeps_all_its_sentences_with_their_quotation_marks(tmp_path: Path, split: Split) -> None:
    lines = (
        f'{FIRST}\t{TIMES}\tSOMEONE says "hello, you.\n'
        f"{SECOND}\t{TIMES}\tShe drinks.\n"
        f"{FIRST}\t{TIMES}\tA street.\n"
    )
    dataset = read_dataset("lsmdc", write_dataset(tmp_path, lines), split)
    assert captions_of(dataset) == {
        FIRST: ('SOMEONE says "hello, you.', "A street."),
        SECOND: ("She drinks.",),
    }
    assert paths_of(dataset)[SECOND] == tmp_path / "avi" / "1004_Juno" / f"{SECOND}.avi"
    assert not dataset.refusals


def test_lines_of_another_form_repeated_lines_and_missing_clips_are_counted(tmp_path: Path) -> None:
    lines = (
        f"{FIRST}\t{TIMES}\tA street.\n"
        f"{FIRST}\t{TIMES}\tA street.\n"
        f"{SECOND}\tShe drinks.\n"
        f"{SECOND}\t{TIMES}\t \n"
        f"{ABSENT}\t{TIMES}\tHe plays.\n"
    )
    dataset = read_dataset("lsmdc", write_dataset(tmp_path, lines), "train")
    assert captions_of(dataset) == {FIRST: ("A street.",)}
    assert refusals_of(dataset) == [
        (FIRST, "duplicate-row"),
        (ABSENT, "missing-file"),
        (SECOND, "malformed-row"),
        (SECOND, "malformed-row"),
    ]
    assert "line 3 of" in next(one.reason for one in dataset.refusals if one.name == SECOND)


def test_the_way_to_the_data_is_told_where_it_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no LSMDC16_annos_val\.csv under .*describingmovies"):
        read_dataset("lsmdc", tmp_path, "validation")
