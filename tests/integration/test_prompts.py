"""Prompts compared over a small folder of captioned videos."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner, Result

from model.checkpoint import CONFIGURATION_FILE, ModelSource, save_trained
from model.datasets.base import CaptionedItem, VideoFile
from model.evaluation import prompts
from model.evaluation.prompts import list_candidates, measure_prompts
from model.evaluation.retrieval.encoding import EncodedItems
from model.serving_settings import ServingSettings
from model.text_encoder import TextEncoder
from tests.dual_encoders import small_clip
from tests.synthetic_video import write_plain, write_two_scenes


def spell(texts: list[str], context_length: int | None = None) -> torch.Tensor:
    """Return a token for each character, and token 49 to end with."""
    width = context_length or 12
    rows = [[*(1 + ord(letter) % 40 for letter in text[: width - 1]), 49] for text in texts]
    return torch.tensor([row + [0] * (width - len(row)) for row in rows])


def test_each_prompt_is_compared_alone_and_with_all_and_with_none() -> None:
    assert list_candidates(["a {}", "my {}"]) == [("{}",), ("a {}",), ("my {}",), ("a {}", "my {}")]
    assert list_candidates(["{}", "a {}"]) == [("{}",), ("a {}",), ("{}", "a {}")]
    assert list_candidates(["a {}"]) == [("{}",), ("a {}",)]


def test_a_prompt_finds_what_its_own_sentences_find() -> None:
    encoder = TextEncoder(small_clip(), spell)
    captions = ("cat", "dog", "owl", "a long walk")
    items = tuple(CaptionedItem(one, (one,), VideoFile(Path(one))) for one in captions)
    wanted = encoder.encode([f"my {one}" for one in captions])  # videos that lie where "my ..." points
    encoded = EncodedItems(items, wanted, ())
    figures = measure_prompts(encoded, encoder.with_prompts(["my {}"]))
    assert figures.metrics.recall_at_1 == 100
    assert (figures.prompts, figures.cut_captions) == (("my {}",), 1)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    write_plain(folder / "plain.mp4", 1.0)
    write_two_scenes(folder / "scenes.mp4", 0.5, 1.0)
    (folder / "captions.csv").write_text("file,caption\nplain.mp4,grey grows\nscenes.mp4,red then blue\n")
    return folder


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    configuration = {
        "model_cfg": {
            "embed_dim": 8,
            "vision_cfg": {"image_size": 16, "patch_size": 8, "width": 16, "layers": 1, "head_width": 8},
            "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1},
        }
    }
    (tmp_path / CONFIGURATION_FILE).write_text(json.dumps(configuration))
    source = ModelSource.of_folder(tmp_path)
    settings = ServingSettings("none", 2, ("a film with {}",))
    save_trained(source.build(is_trained=False), tmp_path / "model", settings, None, source)
    return tmp_path / "model"


def run(dataset: Path, checkpoint: Path, *arguments: str) -> Result:
    options = ["--dataset", "folder", "--data", str(dataset), "--preset", str(checkpoint), "--split", "test"]
    command = typer.Typer()
    command.command()(prompts.main)
    return CliRunner().invoke(command, [*options, *arguments])


def test_the_command_prints_the_figures_of_every_candidate(dataset: Path, checkpoint: Path) -> None:
    answer = run(dataset, checkpoint, "--prompt", "a video of {}", "--prompt", "a clip, {}", "--json")
    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.stdout)
    assert [one["prompts"] for one in figures] == [
        ["{}"],
        ["a video of {}"],
        ["a clip, {}"],
        ["a video of {}", "a clip, {}"],
    ]
    assert all(one["metrics"]["queries"] == 2 for one in figures)
    assert all(one["metrics"]["recall_at_5"] == 100 for one in figures)
    assert all(np.isfinite(one["metrics"]["recall_at_1"]) for one in figures)


def test_an_unreadable_video_is_named_and_a_wrong_prompt_is_wrong_usage(
    dataset: Path, checkpoint: Path
) -> None:
    answer = run(dataset, checkpoint, "--prompt", "a video")
    assert answer.exit_code == 2
    assert "'a video' must hold {} once" in answer.output
    (dataset / "plain.mp4").write_bytes(b"torn")
    answer = run(dataset, checkpoint, "--prompt", "[a] {}")
    assert answer.exit_code == 1
    assert "plain.mp4" in answer.output
    assert "[a] {}" in answer.output
    (dataset / "scenes.mp4").write_bytes(b"torn")
    answer = run(dataset, checkpoint, "--prompt", "a {}")
    assert answer.exit_code == 1
    assert "not one item can be used" in answer.output
