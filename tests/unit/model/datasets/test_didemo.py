"""DiDeMo: descriptions of moments joined to a paragraph, file names of Flickr."""

from pathlib import Path

import pytest

from model.datasets.base import DatasetError, VideoFile
from model.datasets.registry import read_dataset
from tests.dataset_folder import captions_of, paths_of, put_json, put_videos, refusals_of

FROM_AWS, AS_MP4, AS_IT_IS, BARE = (
    "54322086@N00_2408598493_274c77d26a.avi",
    "12090392@N02_13482799053_87ef417396.mov",
    "36955776@N00_4086692696_f0d4ee5e39.mp4",
    "44124410416@N01_3297588840_c09be01b5c",
)


def moment(number: int, video: object, description: object) -> dict[str, object]:
    return {
        "annotation_id": number,
        "video": video,
        "description": description,
        "times": [[5, 5], [4, 4]],
        "num_segments": 6,
        "dl_link": "https://www.flickr.com/video_download.gne?id=2408598493",
    }


def test_descriptions_are_joined_and_files_found_under_each_name_they_come_with(tmp_path: Path) -> None:
    content = [
        moment(1, FROM_AWS, "the lady in red spins around"),
        moment(2, AS_MP4, "a dog barks"),
        moment(3, FROM_AWS, " she waves "),
        moment(4, AS_IT_IS, "a train"),
        moment(5, BARE, "a boat"),
    ]
    put_json(tmp_path / "data" / "test_data.json", content)
    files = [f"{FROM_AWS}.mp4", AS_MP4.replace(".mov", ".mp4"), AS_IT_IS, f"{BARE}.mpg"]
    put_videos(tmp_path / "videos", files)
    dataset = read_dataset("didemo", tmp_path, "test")
    assert captions_of(dataset)[FROM_AWS] == ("the lady in red spins around she waves",)
    assert [path.name for path in paths_of(dataset).values()] == files
    assert dataset.items[0].media == VideoFile(tmp_path / "videos" / files[0], 0.0, 30.0)
    assert not dataset.refusals


def test_entries_without_their_keys_repetitions_and_missing_videos_are_counted(tmp_path: Path) -> None:
    content = [
        moment(1, AS_IT_IS, "a train"),
        moment(1, AS_IT_IS, "a train again"),
        moment(2, AS_IT_IS, " "),
        moment(3, None, "nothing"),
        "no moment",
        moment(4, "lost.avi", "lost"),
    ]
    put_json(tmp_path / "val_data.json", content)
    put_videos(tmp_path, [AS_IT_IS])
    dataset = read_dataset("didemo", tmp_path, "validation")
    assert captions_of(dataset) == {AS_IT_IS: ("a train",)}
    assert refusals_of(dataset) == [
        (AS_IT_IS, "duplicate-row"),
        (AS_IT_IS, "malformed-row"),
        ("entry 3", "malformed-row"),
        ("entry 4", "malformed-row"),
        ("lost.avi", "missing-file"),
    ]


def test_what_is_no_list_is_told_with_what_to_download(tmp_path: Path) -> None:
    put_json(tmp_path / "train_data.json", {})
    with pytest.raises(DatasetError, match=r"train_data\.json is no list .*LisaAnne/LocalizingMoments"):
        read_dataset("didemo", tmp_path, "train")
