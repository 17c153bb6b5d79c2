"""ActivityNet Captions: the sentences of a video as one paragraph, in order of time."""

from pathlib import Path

import pytest

from model.datasets.base import DatasetError, VideoFile
from model.datasets.registry import read_dataset
from tests.dataset_folder import captions_of, put_json, put_videos, refusals_of


def annotation(*sentences: str, duration_s: float = 82.73) -> dict[str, object]:
    """Return an annotation whose sentences begin later, the earlier they stand."""
    starts_s = range(len(sentences), 0, -1)
    return {
        "duration": duration_s,
        "timestamps": [[start_s, start_s + 10.5] for start_s in starts_s],
        "sentences": list(sentences),
    }


def test_sentences_are_joined_in_order_of_time_and_the_video_ends_with_its_annotation(tmp_path: Path) -> None:
    content = {
        "v_QOlSCBRmfWY": annotation(" She ends.", "She dances. ", "A woman stands."),
        "v_ehGHCYKzyZ8": annotation("He plays."),
        "v_nwznKOuZM7w": annotation("They run."),
    }
    put_json(tmp_path / "val_1.json", content)
    put_videos(tmp_path / "videos", ["v_QOlSCBRmfWY.mkv", "v_ehGHCYKzyZ8.webm", "v_nwznKOuZM7w.mp4"])
    dataset = read_dataset("activitynet", tmp_path, "test")
    assert captions_of(dataset) == {
        "v_QOlSCBRmfWY": ("A woman stands. She dances. She ends.",),
        "v_ehGHCYKzyZ8": ("He plays.",),
        "v_nwznKOuZM7w": ("They run.",),
    }
    assert dataset.items[0].media == VideoFile(tmp_path / "videos" / "v_QOlSCBRmfWY.mkv", 0.0, 83.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sentences": ["A."], "timestamps": [[0, 1]]},
        {"duration": 9, "sentences": ["A.", "B."], "timestamps": [[0, 1]]},
        {"duration": 9, "sentences": ["A."], "timestamps": [3]},
        {"duration": 0, "sentences": ["A."], "timestamps": [[0, 1]]},
        {"duration": 9, "sentences": [4], "timestamps": [[0, 1]]},
        ["A."],
    ],
)
def test_an_annotation_that_lacks_a_part_is_refused_and_the_others_kept(
    tmp_path: Path, wrong: object
) -> None:
    put_json(tmp_path / "val_1.json", {"v_wrong": wrong, "v_right": annotation("Right.")})
    put_videos(tmp_path, ["v_wrong.mp4", "v_right.mp4"])
    dataset = read_dataset("activitynet", tmp_path, "test")
    assert captions_of(dataset) == {"v_right": ("Right.",)}
    assert refusals_of(dataset) == [("v_wrong", "malformed-row")]


def test_silent_and_missing_videos_are_counted(tmp_path: Path) -> None:
    content = {"v_silent": annotation(" "), "v_missing": annotation("A."), "v_right": annotation("B.")}
    put_json(tmp_path / "val_1.json", content)
    put_videos(tmp_path, ["v_silent.mp4", "v_right.mp4"])
    dataset = read_dataset("activitynet", tmp_path, "test")
    assert refusals_of(dataset) == [("v_missing", "missing-file"), ("v_silent", "no-caption")]


def test_validation_is_held_out_from_training_and_shares_no_video_with_the_test(tmp_path: Path) -> None:
    names = [f"v_{number}" for number in range(40)]
    put_json(tmp_path / "train.json", {name: annotation("A.") for name in names})
    put_videos(tmp_path, [f"{name}.mp4" for name in names])
    train, validation = (read_dataset("activitynet", tmp_path, split) for split in ("train", "validation"))
    assert (len(train.items), len(validation.items)) == (38, 2)
    assert {*captions_of(train), *captions_of(validation)} == set(names)


def test_a_video_annotated_twice_is_an_error_since_json_would_keep_only_one(tmp_path: Path) -> None:
    (tmp_path / "val_1.json").write_text('{"v_a": {"duration": 3}, "v_a": {"duration": 4}}')
    with pytest.raises(DatasetError, match=r"val_1\.json has 'v_a' twice: keep one of the two"):
        read_dataset("activitynet", tmp_path, "test")


@pytest.mark.parametrize(
    ("content", "message"), [("[]", "captions.zip"), ("{", "no JSON .line 1"), ("[" * 99999, "deep")]
)
def test_what_is_not_of_the_format_is_told_with_what_to_download(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "train.json").write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_dataset("activitynet", tmp_path, "train")
