"""How a checkpoint is to be used, as its folder says it."""

from pathlib import Path

import pytest

from model.serving_settings import SETTINGS_FILE, ServingSettings, read_serving_settings


def test_settings_come_back_as_they_were_written(tmp_path: Path) -> None:
    settings = ServingSettings("tempme:2-2-2/1/0.7/0.9", 8, ("{}", "ein Film über {}"))
    (tmp_path / SETTINGS_FILE).write_text(settings.to_json(), encoding="utf-8")
    assert read_serving_settings(tmp_path) == settings


def test_a_folder_without_settings_is_used_as_before_there_were_any(tmp_path: Path) -> None:
    assert read_serving_settings(tmp_path) == ServingSettings("auto", 12, ("{}",))


def test_what_is_left_out_is_the_default(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text('{"frames_per_clip": 8}')
    assert read_serving_settings(tmp_path) == ServingSettings(frames_per_clip=8)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[]", "no JSON object"),
        ("{", "Expecting property name"),
        ('{"frames": 8}', "'frames' is no setting; there are reduction, frames_per_clip, prompts"),
        ('{"reduction": "centreclip"}', "did you mean centerclip"),
        ('{"reduction": null}', "reduction is None"),
        ('{"frames_per_clip": 0}', "frames_per_clip is 0: the least is 1"),
        ('{"frames_per_clip": true}', "frames_per_clip is True: write a whole number"),
        ('{"frames_per_clip": 12.0}', "frames_per_clip is 12.0: write a whole number"),
        ('{"prompts": "a video of {}"}', "write a list"),
        ('{"prompts": ["{}", 3]}', "write a list"),
        ('{"prompts": []}', "there is no prompt"),
        ('{"prompts": ["a video"]}', "'a video' must hold {} once"),
    ],
)
def test_wrong_settings_are_named_with_their_file(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / SETTINGS_FILE).write_text(content)
    with pytest.raises(ValueError, match=r"reelseek\.json cannot be used") as error:
        read_serving_settings(tmp_path)
    assert complaint in str(error.value)


def test_bytes_that_are_no_text_are_refused_with_their_file(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_bytes(b"\xff\xfe{}")
    with pytest.raises(ValueError, match=r"reelseek\.json cannot be used"):
        read_serving_settings(tmp_path)
