"""Image sets in the two forms that Flickr8k comes in."""

import json
from pathlib import Path

import pytest

from model.datasets.base import DatasetError
from model.datasets.registry import read_dataset
from tests.dataset_folder import captions_of, pictures_of, put_archive, put_table, refusals_of

DOG, GIRL, ODD = "1000268201_693b08cb0e.jpg", "1001773457_577c3a7d70.jpg", "2258277193_586949ec62.jpg.1"


def write_pictures(root: Path, *names: str) -> Path:
    folder = root / "Flicker8k_Dataset"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return root


def test_an_archive_for_each_split_is_read(tmp_path: Path) -> None:
    for name in ("train", "val", "test"):
        sentences = json.dumps({"captions": [f"{name} .", " again "]}).encode()
        put_archive(tmp_path / f"{name}.tar", {"a.webp": b"encoded", "a.json": sentences, "b.webp": b"x"})
    dataset = read_dataset("photographs", tmp_path, "validation")
    assert captions_of(dataset) == {"a": ("val .", "again")}
    assert pictures_of(dataset) == {"a": b"encoded"}
    assert refusals_of(dataset) == [("b", "no-caption")]


def test_an_archive_that_is_missing_beside_the_others_is_named(tmp_path: Path) -> None:
    put_archive(tmp_path / "train.tar", {"a.webp": b"x", "a.json": b'{"captions": ["a"]}'})
    with pytest.raises(DatasetError, match=r"no test\.tar under"):
        read_dataset("photographs", tmp_path, "test")


def test_the_original_text_files_give_captions_and_split(tmp_path: Path) -> None:
    root = write_pictures(tmp_path, DOG, GIRL)
    (root / "Flickr8k.token.txt").write_text(
        f"{DOG}#0\tA dog runs .\n{DOG}#1\tA dog .\n{DOG}#1\tA dog .\n{GIRL}#0\tA girl .\n{GIRL}#1\n"
        f"{ODD}#0\tTwo people .\nno token\n"
    )
    (root / "Flickr_8k.trainImages.txt").write_text(f"{DOG}\n{ODD}\nlisted_only.jpg\n")
    (root / "Flickr_8k.testImages.txt").write_text(f"{GIRL}\n")
    train = read_dataset("photographs", root, "train")
    assert captions_of(train) == {DOG: ("A dog runs .", "A dog .")}
    assert pictures_of(train) == {DOG: DOG.encode()}
    assert refusals_of(train) == [
        (DOG, "duplicate-row"),
        (ODD, "missing-file"),
        ("listed_only.jpg", "no-caption"),
        ("no token", "malformed-row"),
    ]
    test = read_dataset("photographs", root, "test")
    assert refusals_of(test) == [(GIRL, "malformed-row"), ("no token", "malformed-row")]
    with pytest.raises(DatasetError, match=r"no Flickr_8k\.devImages\.txt under"):
        read_dataset("photographs", root, "validation")


def test_a_table_without_lists_is_split_into_three_by_hash(tmp_path: Path) -> None:
    names = [f"{number}.jpg" for number in range(64)]
    root = write_pictures(tmp_path, *names)
    rows = [[name, f"{take}, said"] for name in names for take in ("first", "second")]
    put_table(root / "captions.txt", [["image", "caption"], *rows])
    parts = [captions_of(read_dataset("photographs", root, s)) for s in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [49, 7, 8]
    assert {name for part in parts for name in part} == set(names)
    assert parts[2].popitem()[1] == ("first, said", "second, said")


def test_a_folder_without_annotations_is_told_what_to_download(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no Flickr8k\.token\.txt or captions\.txt under .*train\.tar"):
        read_dataset("photographs", tmp_path, "train")
