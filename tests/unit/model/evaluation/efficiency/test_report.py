"""What a run leaves behind: two tables, JSON and a picture."""

import json
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console
from rich.table import Table

from model.evaluation.efficiency.arms import build_arms
from model.evaluation.efficiency.figures import ArmFigures, Conditions, Failure, TrainingFigures
from model.evaluation.efficiency.modes import Mode
from model.evaluation.efficiency.plot import write_plot
from model.evaluation.efficiency.report import EfficiencyReport, memory_table, speed_table, summarise_layers
from model.evaluation.timing import Spread
from model.token_reduction.base import LayerTokens
from tests.small_towers import small_backbone

CONDITIONS = Conditions(12, 4, torch.device("cpu"), torch.bfloat16, Mode.EAGER, 7, 1, 3)


def spread(median: float) -> Spread:
    return Spread(median, 0.9 * median, 1.1 * median, 0.8 * median)


def report() -> EfficiencyReport:
    none, pooling = build_arms(small_backbone(), ["pooling:B3-4"], frames=12)
    training = TrainingFigures(spread(3.0), spread(1.0), 4_000_000)
    baseline = ArmFigures(
        arm=none,
        ideal_speedup=1.0,
        seconds=spread(2.0),
        videos_per_s=spread(2.0),
        speedup=spread(1.0),
        reduction_share=0.0,
        peak_bytes=2_000_000,
        first_run_s=2.5,
        training=training,
    )
    reduced = replace(
        baseline,
        arm=pooling,
        ideal_speedup=1.5,
        videos_per_s=spread(2.4),
        speedup=spread(1.2),
        reduction_share=0.034,
        peak_bytes=1_000_000,
        training=replace(training, speedup=spread(1.25), peak_bytes=2_600_000),
    )
    failure = Failure("small", "spectral:B3-4,16", "encoding", "OutOfMemoryError: there is no memory left")
    return EfficiencyReport(CONDITIONS, (baseline, reduced), (failure,))


def cells(table: Table) -> list[list[str]]:
    """Return the rows of a table as a reader of Markdown gets them."""
    console = Console(file=StringIO(), width=250)
    console.print(table)
    assert isinstance(console.file, StringIO)
    lines = [line.strip().strip("|") for line in console.file.getvalue().splitlines() if line.strip()]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def test_the_speed_table_holds_arithmetic_and_time() -> None:
    headings, _, none, pooling = cells(speed_table(report()))
    assert headings[-5:] == ["ideal", "videos/s (quartiles)", "speed-up", "of ideal", "reducing"]
    assert none[0] == "small, none"
    assert pooling[0] == "small, pooling:B3-4"
    assert pooling[-5:] == ["1.50×", "2.4 (2.16–2.64)", "1.20×", "0.80", "3.4%"]


def test_the_memory_table_compares_with_no_reduction() -> None:
    _, _, none, pooling = cells(memory_table(report()))
    assert none[1:] == ["2", "1.00", "3 (2.7–3.3)", "1.00×", "4", "1.00"]
    assert pooling[1:] == ["1", "0.50", "3 (2.7–3.3)", "1.25×", "3", "0.65"]


def test_training_that_was_not_measured_is_left_blank() -> None:
    whole = report()
    bare = replace(whole, figures=tuple(replace(figures, training=None) for figures in whole.figures))
    assert cells(memory_table(bare))[2][3:] == ["–"] * 4


def test_layers_are_told_by_their_sequences_and_the_ends_of_their_tokens() -> None:
    layers = [LayerTokens(12, 50, 50, 48), LayerTokens(12, 48, 48, 46), LayerTokens(4, 138, 49, 49)]
    assert summarise_layers(layers) == "12×50…48; 4×49"


def test_the_json_holds_every_figure_with_its_conditions() -> None:
    found = json.loads(json.dumps(report().to_json()))
    assert found["conditions"] == {
        "frames": 12,
        "batch": 4,
        "device": "cpu",
        "dtype": "bfloat16",
        "mode": "eager",
        "repeats": 7,
        "warm_up": 1,
        "training_repeats": 3,
    }
    assert found["machine"]["torch"] == torch.__version__
    none, pooling = found["arms"]
    assert pooling["layers"][3] == {"sequences": 4, "entering": 51, "attended": 17, "leaving": 17}
    assert (none["mean_tokens"], pooling["mean_tokens"]) == (204, 136)
    assert pooling["tokens_out"] == 68
    assert pooling["macs"] < none["macs"]
    assert pooling["measured_of_ideal"] == pytest.approx(0.8)
    assert pooling["speedup"]["median"] == 1.2
    assert pooling["training"]["peak_bytes"] == 2_600_000
    assert found["failures"][0]["stage"] == "encoding"


def test_the_plot_is_a_png(tmp_path: Path) -> None:
    write_plot(report(), tmp_path / "efficiency.png")
    assert (tmp_path / "efficiency.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_without_matplotlib_the_way_to_install_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ValueError, match=r"pip install 'reelseek\[plots\]'"):
        write_plot(report(), tmp_path / "efficiency.png")
    assert list(tmp_path.iterdir()) == []
