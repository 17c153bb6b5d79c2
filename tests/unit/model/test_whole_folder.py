"""Folders that appear whole or not at all."""

from pathlib import Path

import pytest

from model.whole_folder import whole_folder

NAMES = frozenset({"one.txt", "two.txt"})


def fill(place: Path, content: str) -> None:
    with whole_folder(place, NAMES) as unfinished:
        (unfinished / "one.txt").write_text(content)
        assert not (place / "one.txt").exists() or (place / "one.txt").read_text() != content


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "checkpoint"


def test_a_folder_appears_with_all_it_holds_and_nothing_beside_it(place: Path) -> None:
    fill(place, "first")
    assert (place / "one.txt").read_text() == "first"
    assert list(place.parent.iterdir()) == [place]


def test_a_folder_of_ours_is_replaced_as_a_whole(place: Path) -> None:
    fill(place, "first")
    (place / "two.txt").write_text("of the first")
    fill(place, "second")
    assert [path.name for path in place.iterdir()] == ["one.txt"]
    assert list(place.parent.iterdir()) == [place]


def test_after_an_error_the_former_folder_is_as_it_was(place: Path) -> None:
    fill(place, "first")
    with pytest.raises(RuntimeError), whole_folder(place, NAMES) as unfinished:
        (unfinished / "one.txt").write_text("half")
        raise RuntimeError("the disk is full")
    assert (place / "one.txt").read_text() == "first"
    assert list(place.parent.iterdir()) == [place]


def test_a_folder_with_anything_else_is_left_alone_with_its_contents_named(place: Path) -> None:
    place.mkdir(parents=True)
    for name in ("holiday.mp4", "one.txt", "wedding.mp4"):
        (place / name).touch()
    with pytest.raises(ValueError, match=r"holds other things \(holiday.mp4, wedding.mp4\): name an empty"):
        fill(place, "first")
    assert len(list(place.iterdir())) == 3


def test_what_arrives_while_a_folder_is_written_is_not_deleted(place: Path) -> None:
    fill(place, "first")
    with pytest.raises(ValueError, match="holiday"), whole_folder(place, NAMES):
        (place / "holiday.mp4").touch()
    assert {path.name for path in place.iterdir()} == {"one.txt", "holiday.mp4"}


def test_a_file_in_its_place_and_one_above_it_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file: name a folder"):
        fill(tmp_path / "file", "first")
    with pytest.raises(ValueError, match="cannot be written"):
        fill(tmp_path / "file" / "folder", "first")


@pytest.mark.parametrize("died", ["before the new one came", "before the former one went"])
def test_what_a_killed_process_left_is_put_right_by_the_next(place: Path, died: str) -> None:
    fill(place, "first")
    former, unfinished = place.with_name(".checkpoint.former"), place.with_name(".checkpoint.unfinished")
    unfinished.mkdir()
    if died == "before the new one came":
        place.rename(former)
    else:
        former.mkdir()
    with pytest.raises(RuntimeError), whole_folder(place, NAMES):
        raise RuntimeError
    assert (place / "one.txt").read_text() == "first"
    assert list(place.parent.iterdir()) == [place]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    fill(tmp_path / "link", "first")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "one.txt").read_text() == "first"
