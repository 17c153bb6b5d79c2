"""Any folder with a captions.csv."""

from pathlib import Path

import pytest

from model.datasets.base import DatasetError, VideoFile
from model.datasets.captions_folder import read_captions
from model.datasets.registry import read_dataset
from tests.dataset_folder import (
    captions_of,
    paths_of,
    pictures_of,
    put_table,
    put_video,
    put_videos,
    refusals_of,
)


def write_folder(root: Path, text: str, *names: str) -> Path:
    root.mkdir(exist_ok=True)
    (root / "captions.csv").write_text(text, encoding="utf-8")
    put_videos(root, names)
    return root


def test_rows_of_one_file_are_its_captions_and_pictures_count_as_videos(tmp_path: Path) -> None:
    text = "file,caption,source\na/cat.mp4,a cat,x\ndog.jpg,a dog,y\na/cat.mp4, it sleeps ,\n"
    root = write_folder(tmp_path, text, "a/cat.mp4")
    (root / "dog.jpg").write_bytes(b"encoded")
    dataset = read_dataset("folder", root, "test")
    assert captions_of(dataset) == {"a/cat.mp4": ("a cat", "it sleeps"), "dog.jpg": ("a dog",)}
    assert paths_of(dataset) == {"a/cat.mp4": root / "a" / "cat.mp4"}
    assert pictures_of(dataset) == {"dog.jpg": b"encoded"}


def test_parts_of_one_file_are_items_of_their_own(tmp_path: Path) -> None:
    text = "file,caption,start_s,end_s\nfilm.mkv,whole,,\nfilm.mkv,part,1.5,3\nfilm.mkv,rest,3,\n"
    dataset = read_dataset("folder", write_folder(tmp_path, text, "film.mkv"), "test")
    path = tmp_path / "film.mkv"
    assert {item.name: item.media for item in dataset.items} == {
        "film.mkv": VideoFile(path),
        "film.mkv from 1.5 s to 3 s": VideoFile(path, 1.5, 3.0),
        "film.mkv from 3 s to its end": VideoFile(path, 3.0, None),
    }


def test_a_column_of_splits_is_kept_to(tmp_path: Path) -> None:
    text = "file,caption,split\na.mp4,a,train\nb.mp4,b,validation\nc.mp4,c,test\nd.mp4,d,train\n"
    root = write_folder(tmp_path, text, "a.mp4", "b.mp4", "c.mp4", "d.mp4")
    assert list(captions_of(read_dataset("folder", root, "train"))) == ["a.mp4", "d.mp4"]
    assert list(captions_of(read_dataset("folder", root, "validation"))) == ["b.mp4"]
    assert list(captions_of(read_dataset("folder", root, "test"))) == ["c.mp4"]


def test_without_that_column_a_tenth_is_validation_whatever_the_order_of_rows(tmp_path: Path) -> None:
    names = [f"{number}.mp4" for number in range(20)]
    put_videos(tmp_path, names)
    put_table(tmp_path / "captions.csv", [["file", "caption"], *([name, "words"] for name in names)])
    parts = {
        split: set(captions_of(read_dataset("folder", tmp_path, split))) for split in ("train", "validation")
    }
    assert (len(parts["train"]), len(parts["validation"])) == (18, 2)
    assert parts["train"] | parts["validation"] == set(names)
    assert set(captions_of(read_dataset("folder", tmp_path, "test"))) == set(names)
    put_table(tmp_path / "captions.csv", [["file", "caption"], *([name, "words"] for name in names[::-1])])
    assert set(captions_of(read_dataset("folder", tmp_path, "validation"))) == parts["validation"]


@pytest.mark.parametrize(
    ("row", "name", "code", "reason"),
    [
        ("b.mp4,,,,train", "b.mp4", "malformed-row", "line 3 of .* lacks its caption: add it"),
        (",words,,,train", "line 3", "malformed-row", "lacks its file"),
        ("b.mp4,words,x,,train", "b.mp4", "malformed-row", "has the start_s 'x': write seconds"),
        ("b.mp4,words,-1,,train", "b.mp4", "malformed-row", "has the start_s '-1'"),
        ("b.mp4,words,0,inf,train", "b.mp4", "malformed-row", "has the end_s 'inf'"),
        (
            "b.mp4,words,4,3,train",
            "b.mp4",
            "malformed-row",
            "ends at 3 s, which is not after its start at 4 s",
        ),
        (
            "b.mp4,words,,,testing",
            "b.mp4",
            "malformed-row",
            "has the split 'testing': write train, validation",
        ),
        ("b.mp4,words", "b.mp4", "malformed-row", "has the split ''"),
        ("b.mp4,many, words,,,train", "b.mp4", "malformed-row", "has more values than the first line"),
        ("a.mp4,a,,,train", "a.mp4", "duplicate-row", "line 3 of .* repeats line 2: remove it"),
        ("a.mp4,other,,,test", "a.mp4", "two-splits", "line 3 of .* is for test, but line 2 is for train"),
        ("b.mp4,words,,,train", "b.mp4", "missing-file", "b.mp4 is annotated, but no file under"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_its_line_and_the_others_are_kept(
    tmp_path: Path, row: str, name: str, code: str, reason: str
) -> None:
    text = f"file,caption,start_s,end_s,split\na.mp4,a,,,train\n{row}\n"
    dataset = read_dataset("folder", write_folder(tmp_path, text, "a.mp4"), "train")
    assert captions_of(dataset) == {"a.mp4": ("a",)}
    assert refusals_of(dataset) == [(name, code)]
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(dataset.refusals[0].reason)


def test_a_byte_order_mark_blanks_in_the_header_and_line_breaks_in_a_caption_are_read(tmp_path: Path) -> None:
    text = '\ufefffile, caption\n\na.mp4,"a cat,\na dog"\n'
    (row,) = read_captions(write_folder(tmp_path, text) / "captions.csv").rows
    assert (row.file, row.caption, row.line) == ("a.mp4", "a cat,\na dog", 4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no rows with the columns file and caption: its first line lacks file and caption"),
        (b"file,caption\n", "no rows"),
        (b"name,caption\na,b\n", "its first line lacks file"),
        (b"file,caption\na.mp4,caf\xe9\n", r"is not UTF-8 text \(line 2, .*save it as UTF-8"),
        (b'file,caption\na.mp4,"open\nb.mp4,"b"\n', "line 3 of .*captions.csv is no row of a table"),
        (b"file,caption\na.mp4,\n", "no rows .*line 2 of .* lacks its caption"),
    ],
)
def test_a_file_that_is_no_table_of_captions_is_an_error(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "captions.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_dataset("folder", tmp_path, "test")


def test_a_split_without_rows_and_a_folder_without_files_are_errors(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "one", "file,caption\na.mp4,a\n")
    with pytest.raises(DatasetError, match="no row for validation: add rows of that split or"):
        read_dataset("folder", root, "validation")
    with pytest.raises(DatasetError, match=r"1 refused, the first: a\.mp4 is annotated.*Put the files that"):
        read_dataset("folder", root, "train")
    with pytest.raises(DatasetError, match=r"captions\.csv does not exist: write one"):
        read_dataset("folder", put_video(tmp_path / "two" / "a.mp4").parent, "train")


def test_a_folder_of_that_name_there_is_not_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere is no folder: make it and put"):
        read_dataset("folder", tmp_path / "nowhere", "train")
