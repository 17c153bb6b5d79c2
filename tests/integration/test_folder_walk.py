"""The folder walk on a real file system: hostile names, links, pipes and folders nobody may read."""

import hashlib
import os
from pathlib import Path

import pytest

from indexer.folders.walk import FoundFile, Unreadable, hash_file, walk_videos

MP4_HEAD = b"\x00\x00\x00\x20ftypisom"


def write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def found(folder: Path, excluding: Path | None = None) -> list[str]:
    files = list(walk_videos(folder, excluding))
    assert all(isinstance(file, FoundFile) for file in files), files
    return [os.fsdecode(os.path.relpath(file.path, folder)) for file in files]


def test_videos_are_found_at_every_depth_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ["b.mp4", "a/z.MKV", "a/b/c/d.webm", "c.txt"]:
        write(tmp_path / name)
    assert found(tmp_path) == ["a/b/c/d.webm", "a/z.MKV", "b.mp4"]


def test_a_film_without_an_extension_is_found_and_a_document_is_not(tmp_path: Path) -> None:
    write(tmp_path / "film", MP4_HEAD)
    write(tmp_path / "notes", b"remember the milk")
    write(tmp_path / "index.ts", b"export const answer = 42;")
    assert found(tmp_path) == ["film"]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / ".trash" / "a.mp4")
    write(tmp_path / "._b.mp4")
    write(tmp_path / "b.mp4")
    assert found(tmp_path) == ["b.mp4"]


@pytest.mark.parametrize(
    "name", ["-rf.mp4", 'it\'s "so" [bold].mp4', "two\nlines.mp4", os.fsdecode(b"caf\xe9.mp4")]
)
def test_hostile_names_are_found(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    assert found(tmp_path) == [name]


def test_a_loop_of_links_is_entered_once(tmp_path: Path) -> None:
    write(tmp_path / "inside" / "a.mp4")
    (tmp_path / "inside" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert found(tmp_path) == ["inside/a.mp4"]


def test_links_that_lead_in_a_circle_stop_nothing(tmp_path: Path) -> None:
    write(tmp_path / "b.mp4")
    (tmp_path / "a").symlink_to(tmp_path / "a")
    assert [file.path.name for file in walk_videos(tmp_path, within=[tmp_path.resolve()])] == ["b.mp4"]


def test_a_linked_folder_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "a.mp4")
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert found(tmp_path / "library") == ["link/a.mp4"]


def test_a_pipe_called_video_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    os.mkfifo(tmp_path / "pipe")
    assert found(tmp_path) == []


def test_a_dangling_link_called_video_is_reported_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    [file] = walk_videos(tmp_path)
    assert isinstance(file, Unreadable)
    assert file.path == tmp_path / "gone.mp4"
    assert "No such file" in file.reason


def test_the_library_s_own_folder_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "library" / "media" / "a.mp4")
    write(tmp_path / "b.mp4")
    assert found(tmp_path, excluding=tmp_path / "library") == ["b.mp4"]


def test_folders_nested_far_deeper_than_usual_are_walked(tmp_path: Path) -> None:
    deepest = tmp_path
    for _ in range(600):
        deepest = deepest / "d"
        deepest.mkdir()
    write(deepest / "a.mp4")
    assert len(found(tmp_path)) == 1


def test_the_hash_is_that_of_the_bytes_and_every_byte_is_told(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    told: list[int] = []
    assert hash_file(write(tmp_path / "a.mp4", content), told.append) == hashlib.sha256(content).hexdigest()
    assert sum(told) == len(content)
    assert len(told) > 1
