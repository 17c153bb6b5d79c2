"""Captions ranking the videos of a folder."""

import csv
import hashlib
from pathlib import Path

import pytest

from app.evaluation.library_evaluation import evaluate_text_to_video, read_captioned_videos
from tests.service import Service


def write_folder(folder: Path, captions: dict[str, str]) -> Path:
    folder.mkdir()
    with (folder / "captions.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "caption"])
        writer.writerows(captions.items())
    for name in captions:
        (folder / name).write_bytes(f"bytes of {name}".encode())
    return folder


def add_file(service: Service, name: str, words: list[str]) -> None:
    service.add_video(words, sha256=hashlib.sha256(f"bytes of {name}".encode()).hexdigest())


def test_a_video_scores_as_its_best_clip_and_other_videos_do_not_count(
    service: Service, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "clips", {"cat.mp4": "a cat", "dog.mp4": "a dog"})
    add_file(service, "cat.mp4", ["a wall", "a cat"])
    add_file(service, "dog.mp4", ["a cat and a dog"])
    service.add_video(["a dog"])  # would outrank dog.mp4, but is not of the folder
    captioned = read_captioned_videos(service.services, folder)
    metrics = evaluate_text_to_video(service.services, captioned)
    assert metrics.queries == 2
    assert metrics.mean_rank <= 1.5
    add_file(service, "other.mp4", ["a dog", "a cat"])
    assert evaluate_text_to_video(service.services, captioned) == metrics


def test_a_wrong_order_is_counted_as_wrong(service: Service, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clips", {"cat.mp4": "a cat", "dog.mp4": "a dog"})
    add_file(service, "cat.mp4", ["a dog"])
    add_file(service, "dog.mp4", ["a cat"])
    metrics = evaluate_text_to_video(service.services, read_captioned_videos(service.services, folder))
    assert (metrics.recall_at_1, metrics.median_rank) == (0.0, 2.0)


def test_files_that_are_not_indexed_are_named_with_the_way_out(service: Service, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clips", {"cat.mp4": "a cat"})
    with pytest.raises(ValueError, match=r"1 of 1 files are not indexed, the first is cat\.mp4: run python"):
        read_captioned_videos(service.services, folder)


def test_files_that_are_not_there_are_told_from_those_that_are_not_indexed(
    service: Service, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "clips", {"cat.mp4": "a cat", "dog.mp4": "a dog"})
    (folder / "dog.mp4").unlink()
    with pytest.raises(ValueError, match=r"1 of 2 files of .* are not in its folder, the first is dog\.mp4"):
        read_captioned_videos(service.services, folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"name,words\na,b\n", "no rows"),
        (b"file,caption\n", "no rows"),
        (b"file,caption\na.mp4,a cat\nb.mp4\n", "line 3 of .*captions.csv lacks its caption: add it"),
        (b"file,caption\na.mp4,a cat\na.mp4,a cat\n", "line 3 of .*captions.csv repeats line 2: remove it"),
        (b'file,caption\na.mp4,"a cat\nb.mp4,a dog\n', "line 3 of .*captions.csv is no row of a table"),
        (b"file,caption\n,a cat\n", "line 2 of"),
        (b"file,caption\na.mp4,caf\xe9\n", "captions.csv is not UTF-8"),
    ],
)
def test_captions_that_cannot_be_read_are_told_what_is_wrong(
    service: Service, tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "captions.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_captioned_videos(service.services, tmp_path)
