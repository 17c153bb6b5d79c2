"""``python -m model.training.compare``: real trainings of a very small encoder, each in its own process."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from PIL import Image
from typer.testing import CliRunner, Result

from model.checkpoint import CONFIGURATION_FILE, save_checkpoint
from model.training.compare import ALL_COMPARED, SOME_FAILED, WRONG_USAGE, main

VISION = {"image_size": 32, "patch_size": 8, "width": 32, "layers": 4, "head_width": 16}
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 24, "heads": 2, "layers": 2}
DIMENSION = 12

COLOURS = {"red": (200, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 200), "grey": (120, 120, 120)}


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint folder with random weights."""
    folder = tmp_path_factory.mktemp("preset")
    configuration = {
        "model_cfg": {"embed_dim": DIMENSION, "vision_cfg": VISION, "text_cfg": TEXT},
        "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bicubic"},
    }
    (folder / CONFIGURATION_FILE).write_text(json.dumps(configuration))
    save_checkpoint(CLIP(DIMENSION, CLIPVisionCfg(**VISION), CLIPTextCfg(**TEXT)), folder)
    return folder


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with three archives of plain pictures."""
    root = tmp_path_factory.mktemp("photographs")
    for split, numbers in (("train", range(16)), ("val", range(16, 24)), ("test", range(24, 36))):
        with tarfile.open(root / f"{split}.tar", "w") as archive:
            for number in numbers:
                _add(archive, number)
    return root


def _add(archive: tarfile.TarFile, number: int) -> None:
    name, colour = list(COLOURS.items())[number % len(COLOURS)]
    stream = io.BytesIO()
    shade = np.array(colour) * (0.5 + number / 80)
    Image.fromarray(np.full((40, 50, 3), shade, np.uint8)).save(stream, "WEBP", lossless=True)
    captions = {"captions": [f"a {name} wall number {number}", f"wall {number}"]}
    for suffix, content in (("webp", stream.getvalue()), ("json", json.dumps(captions).encode())):
        member = tarfile.TarInfo(f"p{number:02}.{suffix}")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))


def run(data: Path, preset: Path, output: Path, *options: str) -> Result:
    application = typer.Typer()
    application.command()(main)
    smallest = "--dataset photographs --seeds 1 --frames 4 --batch 4 --max-steps 2 --device cpu".split()
    where = ["--data", str(data), "--preset", str(preset), "--output", str(output)]
    return CliRunner().invoke(application, [*smallest, *where, *options])


@pytest.mark.timeout(600)  # it starts three processes that load torch
def test_arms_are_trained_and_tested_and_the_same_command_goes_on(
    photographs: Path, preset: Path, tmp_path: Path
) -> None:
    output = tmp_path / "compared"
    in_the_way = output / "none" / "seed-0" / "model"
    in_the_way.mkdir(parents=True)
    options = ["--arm", "pooling:B2-2", "--no-side-by-side"]
    result = run(photographs, preset, output, *options)
    assert result.exit_code == SOME_FAILED, result.output
    assert "none, seed 0 failed: ValueError" in result.output
    assert [arm["arm"] for arm in read_report(output)["arms"]] == ["pooling:B2-2"]
    (finished,) = output.rglob("result.json")
    written_ns = finished.stat().st_mtime_ns

    in_the_way.rmdir()
    result = run(photographs, preset, output, *options)
    assert result.exit_code == ALL_COMPARED, result.output
    assert finished.stat().st_mtime_ns == written_ns
    check_report(read_report(output))
    assert "pooling:B2-2" in (output / "comparison.md").read_text()
    assert (output / "comparison.png").exists()

    result = run(photographs, preset, output, *options, "--epochs", "9")
    assert result.exit_code == WRONG_USAGE
    assert "holds a comparison with" in result.output


def read_report(output: Path) -> Any:
    return json.loads((output / "comparison.json").read_text())


def check_report(report: Any) -> None:
    assert [arm["arm"] for arm in report["arms"]] == ["none", "pooling:B2-2"]
    assert report["unequal"] == []
    assert report["failures"] == []
    for arm in report["arms"]:
        (seed,) = arm["seeds"]
        assert seed["steps"] == 2
        assert seed["test"]["text_to_video"]["queries"] == 2 * seed["test"]["video_to_text"]["queries"]
        assert seed["speed"]["peak_memory_bytes"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--arm", "shrink"], "'shrink' is no known token reduction"),
        (["--recipe", "cake"], "no training recipe 'cake'"),
        (["--dataset", "films"], "no dataset 'films'"),
        (["--precision", "float7"], "no precision 'float7'"),
        (["--device", "abacus"], "'abacus'"),
        (["--preset", "ViT-Z-99"], "no model 'ViT-Z-99'"),
    ],
)
def test_wrong_options_are_told_before_anything_is_trained(
    photographs: Path, preset: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = run(photographs, preset, tmp_path / "compared", *options)
    assert result.exit_code == WRONG_USAGE
    assert message in result.output
    assert not list(tmp_path.rglob("result.json"))
