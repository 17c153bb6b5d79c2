"""``python -m model.evaluation.efficiency`` from its options to its files."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from model.evaluation.efficiency.__main__ import ALL_MEASURED, WRONG_USAGE, main


def run(folder: Path, *options: str) -> Result:
    application = typer.Typer()
    application.command()(main)
    smallest = "--backbone tiny --frames 4 --batch 1 --device cpu --repeats 1 --warm-up 0".split()
    return CliRunner().invoke(application, [*smallest, "--output", str(folder / "found"), *options])


def test_the_command_prints_tables_and_writes_json_and_a_plot(tmp_path: Path) -> None:
    result = run(tmp_path, "--reducer", "pooling:B2-2", "--training-repeats", "1")
    assert result.exit_code == ALL_MEASURED, result.output
    assert "tiny, pooling:B2-2" in result.output
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == [
        "efficiency.json",
        "efficiency.png",
    ]
    found = json.loads((tmp_path / "found" / "efficiency.json").read_text())
    assert [arm["reduction"] for arm in found["arms"]] == ["none", "pooling:B2-2"]
    assert all(arm["training"]["peak_bytes"] > 0 for arm in found["arms"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--backbone", "ViT-Z-99"], "no backbone 'ViT-Z-99'"),
        (["--reducer", "shrink"], "'shrink' is no known token reduction"),
        (["--reducer", "pooling:B2-3"], "3"),
        (["--mode", "graph"], "CUDA graph"),
        (["--device", "abacus"], "'abacus'"),
    ],
)
def test_wrong_options_are_told_before_anything_is_measured(
    tmp_path: Path, options: list[str], message: str
) -> None:
    result = run(tmp_path, *options)
    assert result.exit_code == WRONG_USAGE
    assert message in result.output
    assert list(tmp_path.iterdir()) == []
