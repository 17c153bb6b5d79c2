"""``python -m model.evaluation.evaluate`` on folders of films, with an encoder made on the spot."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from model.evaluation import evaluate
from tests.synthetic_video import write_not_a_video, write_plain, write_two_scenes
from tests.tiny_checkpoint import write_tiny_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of two films and something else, with captions of all of them."""
    folder = tmp_path / "videos"
    folder.mkdir()
    write_two_scenes(folder / "walls.mp4")
    write_plain(folder / "grey.mp4", duration_s=2.0)
    write_not_a_video(folder / "text.mp4")
    rows = ["walls.mp4,a red wall", "walls.mp4,a blue wall", "grey.mp4,grey", "text.mp4,words"]
    (folder / "captions.csv").write_text("\n".join(["file,caption", *rows, "gone.mp4,nothing"]) + "\n")
    return folder


def run(*arguments: str | Path) -> Result:
    command = typer.Typer()
    command.command()(evaluate.main)
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def written(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / evaluate.JSON_FILE).read_text())
    return found


def test_a_folder_of_films_is_evaluated_and_what_it_lacks_is_named(
    folder: Path, checkpoint: Path, tmp_path: Path
) -> None:
    options = ("--preset", checkpoint, "--reducer", "pooling:B1-4", "--device", "cpu", "--batch", "1")
    result = run("--dataset", "folder", "--data", folder, "--output", tmp_path / "found", *options)
    assert result.exit_code == evaluate.SOME_REFUSED, result.output
    assert "gone.mp4: missing-file:" in result.stderr
    assert "text.mp4: not-a-video:" in result.stderr
    assert "2 items with 3 captions" in result.stdout
    assert "(12 frames, pooling:B1-4)" in result.stdout
    found = written(tmp_path / "found")
    assert found["model"]["reduction"] == "pooling:B1-4"
    assert found["figures"]["text_to_video"]["expected"]["queries"] == 3
    assert found["figures"]["video_to_text"]["expected"]["queries"] == 2
    assert sorted(refusal["name"] for refusal in found["refusals"]) == ["gone.mp4", "text.mp4"]
    assert found["counts"]["annotated"] == 4


def test_a_decoder_that_dies_is_told_in_a_line(
    folder: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.datasets.frames.COMMAND", ["false"])
    result = run(
        "--dataset", "folder", "--data", folder, "--preset", checkpoint, "--output", tmp_path / "found"
    )
    assert result.exit_code == evaluate.SOME_REFUSED
    assert "the process that decodes" in result.stderr
    assert not (tmp_path / "found").exists()
