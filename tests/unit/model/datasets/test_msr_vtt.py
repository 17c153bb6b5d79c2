"""MSR-VTT as CLIP4Clip distributes it: JSON captions, CSV lists, and a folder of all videos."""

from pathlib import Path

import pytest

from model.datasets.base import DatasetError, Split
from model.datasets.registry import read_dataset
from tests.dataset_folder import captions_of, paths_of, put_json, put_table, put_videos, refusals_of

TRAINING = [f"video{number}" for number in range(20)]


def write_dataset(root: Path) -> Path:
    """Write 20 training videos of two captions each, two test pairs, and all their videos."""
    sentences: list[object] = [
        {"caption": f"sentence {take} of {video}", "video_id": video, "sen_id": 2 * number + take}
        for number, video in enumerate(TRAINING)
        for take in (0, 1)
    ]
    videos = [{"video_id": video, "category": 9, "split": "train"} for video in TRAINING]
    put_json(root / "msrvtt_data" / "MSRVTT_data.json", {"videos": videos, "sentences": sentences})
    for name in ("MSRVTT_train.9k.csv", "MSRVTT_train.7k.csv"):
        rows = TRAINING if "9k" in name else TRAINING[:10]
        put_table(root / "msrvtt_data" / name, [["video_id"], *([video] for video in rows)])
    put_table(
        root / "msrvtt_data" / "MSRVTT_JSFUSION_test.csv",
        [
            ["key", "vid_key", "video_id", "sentence"],
            ["ret0", "msr9770", "video9770", "a person is connecting something, to a system"],
            ["ret1", "msr9771", "video9771", "a little girl does gymnastics"],
        ],
    )
    put_videos(root / "MSRVTT" / "videos" / "all", [f"{video}.mp4" for video in (*TRAINING, "video9770")])
    return root


def test_the_test_pairs_are_those_of_the_table_and_a_missing_video_is_counted(tmp_path: Path) -> None:
    dataset = read_dataset("msr-vtt-9k", write_dataset(tmp_path), "test")
    assert captions_of(dataset) == {"video9770": ("a person is connecting something, to a system",)}
    assert paths_of(dataset) == {"video9770": tmp_path / "MSRVTT" / "videos" / "all" / "video9770.mp4"}
    assert refusals_of(dataset) == [("video9771", "missing-file")]


@pytest.mark.parametrize(("name", "count"), [("msr-vtt-9k", 20), ("msr-vtt-7k", 10)])
def test_training_and_validation_part_the_list_between_them(tmp_path: Path, name: str, count: int) -> None:
    root = write_dataset(tmp_path)
    train, validation = (read_dataset(name, root, split) for split in ("train", "validation"))
    assert len(validation.items) == 1
    assert len(train.items) == count - 1
    assert {*captions_of(train), *captions_of(validation)} == set(TRAINING[:count])
    assert all(len(item.captions) == 2 for item in train.items)


def test_the_held_out_videos_do_not_depend_on_which_files_are_there(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    (held_out,) = read_dataset("msr-vtt-9k", root, "validation").items
    for number in (3, 4, 5):
        if held_out.name != f"video{number}":
            (root / "MSRVTT" / "videos" / "all" / f"video{number}.mp4").unlink()
    assert read_dataset("msr-vtt-9k", root, "validation").items == (held_out,)


def test_sentences_without_their_keys_and_videos_without_sentences_are_refused(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    (held_out,) = captions_of(read_dataset("msr-vtt-9k", root, "validation"))
    whole, blank, silent = [video for video in TRAINING if video != held_out][:3]
    with (root / "msrvtt_data" / "MSRVTT_train.9k.csv").open("a") as stream:
        stream.write(f"{whole}\n")
    sentences = [
        *({"caption": "words", "video_id": video} for video in TRAINING if video not in (blank, silent)),
        {"caption": " ", "video_id": blank},
        {"caption": "nobody's"},
        "no sentence",
    ]
    put_json(root / "msrvtt_data" / "MSRVTT_data.json", {"sentences": sentences})
    dataset = read_dataset("msr-vtt-9k", root, "train")
    assert set(captions_of(dataset)) == {*TRAINING} - {held_out, blank, silent}
    assert set(refusals_of(dataset)) == {
        ("sentence 19", "malformed-row"),
        ("sentence 20", "malformed-row"),
        (whole, "duplicate-row"),
        (blank, "malformed-row"),
        (blank, "no-caption"),
        (silent, "no-caption"),
    }


def test_a_second_file_of_a_video_is_counted_beside_the_one_that_is_used(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    put_videos(root / "MSRVTT" / "videos" / "all" / "compressed", ["video9770.mp4"])
    dataset = read_dataset("msr-vtt-9k", root, "test")
    assert paths_of(dataset) == {"video9770": root / "MSRVTT" / "videos" / "all" / "video9770.mp4"}
    assert ("video9770", "duplicate-file") in refusals_of(dataset)


def test_a_second_caption_of_a_test_video_is_refused_naming_both_lines(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    with (root / "msrvtt_data" / "MSRVTT_JSFUSION_test.csv").open("a") as stream:
        stream.write("ret2,msr9770,video9770,another\n")
    dataset = read_dataset("msr-vtt-9k", root, "test")
    assert len(dataset.items[0].captions) == 1
    (duplicate,) = [one for one in dataset.refusals if one.code == "duplicate-row"]
    assert "line 4 of" in duplicate.reason
    assert "repeats line 2" in duplicate.reason


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    expected = read_dataset("msr-vtt-9k", root, "test")
    path = root / "msrvtt_data" / "MSRVTT_JSFUSION_test.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert read_dataset("msr-vtt-9k", root, "test") == expected


@pytest.mark.parametrize(
    ("file", "split"),
    [
        ("MSRVTT_data.json", "train"),
        ("MSRVTT_train.9k.csv", "validation"),
        ("MSRVTT_JSFUSION_test.csv", "test"),
    ],
)
def test_a_missing_annotation_file_is_told_with_what_to_download(
    tmp_path: Path, file: str, split: Split
) -> None:
    root = write_dataset(tmp_path)
    (root / "msrvtt_data" / file).unlink()
    with pytest.raises(DatasetError, match=rf"no {file} under .*msrvtt_data\.zip .*Put it anywhere under"):
        read_dataset("msr-vtt-9k", root, split)


@pytest.mark.parametrize("content", ["[]", '{"sentences": {}}', '{"sentences": [', '{"a": 1, "a": 2}'])
def test_captions_that_are_not_of_the_format_are_an_error_that_names_the_file(
    tmp_path: Path, content: str
) -> None:
    root = write_dataset(tmp_path)
    (root / "msrvtt_data" / "MSRVTT_data.json").write_text(content)
    with pytest.raises(DatasetError, match=r"MSRVTT_data\.json"):
        read_dataset("msr-vtt-9k", root, "train")


def test_a_folder_without_one_video_says_where_the_videos_come_from(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    (root / "MSRVTT" / "videos" / "all" / "video9770.mp4").unlink()
    with pytest.raises(DatasetError, match=r"\(test\) can be used: 2 refused, the first: .*MSRVTT\.zip"):
        read_dataset("msr-vtt-9k", root, "test")
