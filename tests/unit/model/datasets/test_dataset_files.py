"""What one walk finds under a dataset's folder."""

import os
from pathlib import Path

import pytest

from model.datasets.base import DatasetError
from model.datasets.dataset_files import DatasetFiles, Source
from tests.dataset_folder import put_video

SOURCE = Source("A set", "Download annotations.zip.", "Download videos.zip.")


def files_under(root: Path) -> DatasetFiles:
    return DatasetFiles(root, SOURCE)


def test_a_video_is_found_at_any_depth_with_any_extension_in_any_case(tmp_path: Path) -> None:
    path = put_video(tmp_path / "a" / "b" / "0001_Film_00.01-00.02.AVI")
    found = files_under(tmp_path).video("0001_Film_00.01-00.02")
    assert found is not None
    assert found.path == path


def test_what_is_no_video_or_hidden_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "video0.json").write_text("{}")
    (tmp_path / "._video0.mp4").write_bytes(b"of a Mac")
    put_video(tmp_path / ".trash" / "video0.mp4")
    assert files_under(tmp_path).video("video0") is None


def test_of_two_files_of_one_video_the_nearer_is_used_and_the_other_counted(tmp_path: Path) -> None:
    other = put_video(tmp_path / "a" / "compressed" / "video0.mp4")
    path = put_video(tmp_path / "z" / "video0.mkv")
    found = files_under(tmp_path).video("video0")
    assert found is not None
    assert found.path == path
    (refusal,) = found.others
    assert (refusal.name, refusal.code) == ("video0", "duplicate-file")
    assert refusal.reason.startswith(f"{other} is left out")


def test_links_are_followed_and_a_loop_of_them_ends(tmp_path: Path) -> None:
    path = put_video(tmp_path / "elsewhere" / "video0.mp4")
    root = tmp_path / "root"
    root.mkdir()
    (root / "videos").symlink_to(path.parent)
    (root / "loop").symlink_to(root)
    found = files_under(root).video("video0")
    assert found is not None
    assert found.path == root / "videos" / "video0.mp4"
    assert not found.others


def test_an_annotation_file_nearer_to_the_root_wins_and_a_tie_is_an_error(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "train.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"one/train\.json and .*two/train\.json are both there: keep one"):
        files_under(tmp_path).annotation("train.json")
    (tmp_path / "train.json").write_text("{}")
    assert files_under(tmp_path).annotation("train.json") == tmp_path / "train.json"


def test_who_has_nothing_is_told_all_there_is_to_download(tmp_path: Path) -> None:
    words = rf"no train\.json under .*annotations\.zip\. .*anywhere under {tmp_path}\. Download videos\.zip\."
    with pytest.raises(DatasetError, match=words):
        files_under(tmp_path).annotation("train.json")


def test_a_folder_that_cannot_be_opened_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_video(tmp_path / "closed" / "video0.mp4")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # root may open any folder
    (refusal,) = files_under(tmp_path).unreadable
    assert (refusal.name, refusal.code) == (str(tmp_path / "closed"), "unreadable")
    assert "Permission denied" in refusal.reason


def test_a_place_below_the_root_is_that_file_only(tmp_path: Path) -> None:
    put_video(tmp_path / "a" / "x.mp4")
    files = files_under(tmp_path)
    assert files.at("./a/x.mp4") == tmp_path / "a" / "x.mp4"
    assert files.at("x.mp4") is None
    assert files.at("a") is None
