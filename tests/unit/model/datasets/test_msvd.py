"""MSVD: lists of ids, and English captions as text or in the table of all languages."""

from pathlib import Path

import pytest

from model.datasets.base import DatasetError
from model.datasets.registry import read_dataset
from tests.dataset_folder import captions_of, paths_of, put_table, put_videos, refusals_of

SQUIRREL, GIRL, DOG = "-4wsuPCjDBc_5_15", "PeUHy0A1GF0_114_121", "_0nX-El-ySo_83_93"
HEADER = ["VideoID", "Start", "End", "WorkerID", "Source", "AnnotationTime", "Language", "Description"]


def write_lists(root: Path) -> Path:
    root.mkdir(exist_ok=True)
    (root / "train_list.txt").write_text(f"{SQUIRREL}\n{GIRL}\n")
    (root / "val_list.txt").write_text(f"{GIRL}\n")
    (root / "test_list.txt").write_text(f"{DOG}\n{SQUIRREL}\n\n{DOG}\n")
    put_videos(root / "YouTubeClips", [f"{video}.avi" for video in (SQUIRREL, GIRL, DOG)])
    return root


def write_text(root: Path) -> None:
    (root / "AllVideoDescriptions.txt").write_text(
        "# MSR Video Description Corpus, English only\n"
        "\n"
        f"{SQUIRREL} a squirrel is eating a peanut in it's shell\n"
        f"{SQUIRREL} a chipmunk is eating\n"
        f"{DOG} a dog swims\n"
        f"{DOG}\n"
    )


def row(video: str, language: str, description: str) -> list[str]:
    name, start_s, end_s = video.rsplit("_", 2)
    return [name, start_s, end_s, "882102", "unverified", "55", language, description]


def test_all_captions_of_the_text_file_are_kept_and_remarks_are_not(tmp_path: Path) -> None:
    root = write_lists(tmp_path)
    write_text(root)
    dataset = read_dataset("msvd", root, "test")
    assert captions_of(dataset) == {
        DOG: ("a dog swims",),
        SQUIRREL: ("a squirrel is eating a peanut in it's shell", "a chipmunk is eating"),
    }
    assert paths_of(dataset)[SQUIRREL] == root / "YouTubeClips" / f"{SQUIRREL}.avi"
    assert refusals_of(dataset) == [(DOG, "duplicate-row"), (DOG, "malformed-row")]


def test_a_listed_video_of_which_nothing_was_said_is_refused(tmp_path: Path) -> None:
    root = write_lists(tmp_path)
    write_text(root)
    assert refusals_of(read_dataset("msvd", root, "train")) == [(GIRL, "no-caption")]


def test_the_table_gives_its_english_captions(tmp_path: Path) -> None:
    root = write_lists(tmp_path)
    rows = [
        row(SQUIRREL, "Slovene", "Veverica žveči arašid."),
        row(SQUIRREL, "English", "A squirrel, eating."),
        row(GIRL, "English", 'A girl says "hello".'),
        row(GIRL, "English", ""),
    ]
    put_table(root / "MSR Video Description Corpus.csv", [HEADER, *rows])
    dataset = read_dataset("msvd", root, "train")
    assert captions_of(dataset) == {SQUIRREL: ("A squirrel, eating.",), GIRL: ('A girl says "hello".',)}
    assert refusals_of(dataset) == [(GIRL, "malformed-row")]


def test_rows_swallowed_by_an_open_quotation_mark_are_counted(tmp_path: Path) -> None:
    root = write_lists(tmp_path)
    path = put_table(root / "MSR Video Description Corpus.csv", [HEADER, row(SQUIRREL, "English", "Eating.")])
    with path.open("a") as stream:
        stream.write(",".join(row(GIRL, "English", '"She sings')) + "\n")
        stream.write(",".join(row(GIRL, "English", 'She "sings"')) + "\n\n")
        stream.write(",".join(row(GIRL, "English", "She dances")) + "\n")
    dataset = read_dataset("msvd", root, "train")
    assert captions_of(dataset) == {SQUIRREL: ("Eating.",), GIRL: ("She dances",)}
    (swallowed,) = [one for one in dataset.refusals if one.code == "malformed-row"]
    assert "read as one row with line 3: is a quotation mark left open there?" in swallowed.reason


def test_a_pickle_is_not_opened_and_the_message_says_why(tmp_path: Path) -> None:
    root = write_lists(tmp_path)
    (root / "raw-captions.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(DatasetError, match=r"no AllVideoDescriptions\.txt or MSR.*pkl is not read, since"):
        read_dataset("msvd", root, "train")


def test_captions_in_another_encoding_are_told_by_line(tmp_path: Path) -> None:
    root = write_lists(tmp_path)
    (root / "AllVideoDescriptions.txt").write_bytes(b"# ok\n" + f"{DOG} caf\xe9\n".encode("latin-1"))
    with pytest.raises(DatasetError, match=r"AllVideoDescriptions\.txt is not UTF-8 text \(line 2"):
        read_dataset("msvd", root, "test")
