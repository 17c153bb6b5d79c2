"""``python -m model.training.train``: what it says and how it ends."""

import csv
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from model.training.train import STOPPED, WRONG_USAGE, main
from tests.synthetic_video import BLUE, GREEN, RED, flat, write_video
from tests.toy_training import toy_checkpoint

APPLICATION = typer.Typer()
APPLICATION.command()(main)

ROWS = [
    ("red.mp4", "a red wall", "train"),
    ("blue.mp4", "a blue wall", "train"),
    ("green.mp4", "a green wall", "train"),
    ("gone.mp4", "nobody knows", "train"),
    ("red-too.mp4", "red paint", "validation"),
    ("blue-too.mp4", "blue paint", "validation"),
]


def call(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(APPLICATION, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Return a folder of five short videos and a captions.csv, which names a sixth."""
    folder = tmp_path / "my-videos"
    folder.mkdir()
    colours = {"red": RED, "blue": BLUE, "green": GREEN, "red-too": RED, "blue-too": BLUE}
    for name, colour in colours.items():
        pictures = [(number / 10, flat(colour, 64, 64)) for number in range(10)]
        write_video(folder / f"{name}.mp4", pictures)
    with (folder / "captions.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "caption", "split"), *ROWS])
    return folder


def test_one_command_makes_of_a_folder_with_captions_a_model_to_serve(videos: Path, tmp_path: Path) -> None:
    output = tmp_path / "my-model"
    preset = toy_checkpoint(tmp_path / "pretrained")
    arguments = (
        videos,
        "--output",
        output,
        "--preset",
        preset,
        "--frames",
        2,
        "--epochs",
        1,
        "--device",
        "cpu",
    )
    code, said = call(*arguments, "--reducer", "none")
    assert code == 0, said
    assert (output / "reelseek.json").is_file()
    assert "gone.mp4" in said
    assert "3 pairs of 3 videos" in said
    assert "2 held-out captions tell little" in said
    assert f"REELSEEK_MODEL={output} python -m indexer.batch {videos}" in said
    assert f"REELSEEK_MODEL={output} reelseek serve" in said
    code, said = call(*arguments, "--reducer", "none")
    assert code == WRONG_USAGE
    assert "exists already" in said


def test_a_folder_without_captions_is_an_error_that_says_what_to_write(tmp_path: Path) -> None:
    code, said = call(
        tmp_path, "--output", tmp_path / "model", "--preset", toy_checkpoint(tmp_path / "preset")
    )
    assert code == WRONG_USAGE
    assert "captions.csv" in said


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--recipe", "magic", "there is no training recipe 'magic'"),
        ("--preset", "nothing", "there is no model 'nothing'"),
        ("--device", "abacus", "there is no device 'abacus'"),
        ("--learning-rate", "-1", "learning rate is -1"),
        ("--dataset", "nothing", "there is no dataset 'nothing'"),
    ],
)
def test_a_setting_that_cannot_be_is_an_error_of_one_line(
    tmp_path: Path, option: str, value: str, message: str
) -> None:
    code, said = call(tmp_path, "--output", tmp_path / "model", option, value)
    assert code == WRONG_USAGE
    assert message in said


def test_a_gpu_without_memory_left_is_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr("model.training.train.train", run_out)
    code, said = call(tmp_path, "--output", tmp_path / "model")
    assert code == STOPPED
    assert "--micro-batch" in said
