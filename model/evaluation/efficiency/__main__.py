"""``python -m model.evaluation.efficiency``: what each token reduction saves, in arithmetic, time and memory.

The towers have random weights, and nothing is downloaded. Exit codes: 0 all measured, 1 some arms could not
be run, 2 wrong usage.
"""

import json
import logging
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from model.evaluation.efficiency.arms import build_arms, build_backbone
from model.evaluation.efficiency.figures import ArmFigures, Conditions, Failure
from model.evaluation.efficiency.measurement import BackboneMeasurement
from model.evaluation.efficiency.modes import Mode, check_mode
from model.evaluation.efficiency.plot import write_plot
from model.evaluation.efficiency.report import EfficiencyReport, memory_table, speed_table
from model.evaluation.plotting import check_plotting
from model.factory import choose_device

ALL_MEASURED, SOME_FAILED, WRONG_USAGE = 0, 1, 2

LOG_COLUMNS = 220
"""Width of the tables where no terminal has its own."""

DEFAULT_BACKBONES = ["paper-b32", "paper-b16"]


class NumberType(StrEnum):
    """What the tower computes in."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"

    @property
    def dtype(self) -> torch.dtype:
        """Torch's name of it."""
        dtype: torch.dtype = getattr(torch, self.value)
        return dtype


Backbones = Annotated[
    list[str] | None,
    typer.Option(
        "--backbone", help="Preset or open_clip architecture; may be repeated. [paper-b32, paper-b16]"
    ),
]
Reducers = Annotated[
    list[str] | None,
    typer.Option(
        "--reducer",
        help="Such as centerclip:B6-4,49; may be repeated; none comes first. [the papers' and controls]",
    ),
]
Frames = Annotated[int, typer.Option(min=1, help="Frames a video.")]
Batch = Annotated[int, typer.Option(min=1, help="Videos at once.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Repeats = Annotated[int, typer.Option(min=1, help="Repetitions; each runs every arm once.")]
WarmUp = Annotated[int, typer.Option(min=0, help="Runs of each arm before the first repetition.")]
Training = Annotated[bool, typer.Option(help="Measure training steps too.")]
TrainingRepeats = Annotated[int, typer.Option(min=1, help="Repetitions of the training steps.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Processor threads. [torch's own choice]")]
Output = Annotated[Path, typer.Option(metavar="DIR", help="Where efficiency.json and efficiency.png go.")]


def main(  # noqa: PLR0913 - one argument an option
    backbone: Backbones = None,
    reducer: Reducers = None,
    frames: Frames = 12,
    batch: Batch = 4,
    device: Device = "auto",
    dtype: Annotated[NumberType, typer.Option(help="What the tower computes in.")] = NumberType.FLOAT32,
    mode: Annotated[Mode, typer.Option(help="graph: one CUDA graph, on a GPU only.")] = Mode.EAGER,
    repeats: Repeats = 7,
    warm_up: WarmUp = 1,
    training: Training = True,
    training_repeats: TrainingRepeats = 3,
    threads: Threads = None,
    output: Output = Path("efficiency"),
) -> None:
    """Measure every backbone with every reducer, turn by turn, and print what each saves."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = LOG_COLUMNS
    try:
        conditions = Conditions(
            frames=frames,
            batch=batch,
            device=choose_device(device),
            dtype=dtype.dtype,
            mode=mode,
            repeats=repeats,
            warm_up=warm_up,
            training_repeats=training_repeats if training else 0,
        )
        check_mode(mode, conditions.device)
        check_plotting()
        if threads is not None:
            torch.set_num_threads(threads)
        report = measure(backbone or DEFAULT_BACKBONES, reducer or [], conditions, console.print)
    except ValueError as error:  # an option: the message says which
        console.print(str(error), style="red", soft_wrap=True)
        raise typer.Exit(WRONG_USAGE) from None
    _write(report, output)
    _show(report, console)
    raise typer.Exit(SOME_FAILED if report.failures else ALL_MEASURED)


def measure(
    backbones: list[str], reductions: list[str], conditions: Conditions, tell: Callable[[str], None]
) -> EfficiencyReport:
    """Return the figures of every backbone with every reduction, and ``tell`` what is being measured.

    Raises ValueError for any that is unknown or does not fit, before the first is measured.
    """
    built = [build_backbone(name) for name in dict.fromkeys(backbones)]
    arms = [build_arms(backbone, reductions, conditions.frames) for backbone in built]
    figures: list[ArmFigures] = []
    failures: list[Failure] = []
    for backbone, own_arms in zip(built, arms, strict=True):
        tell(f"Measuring {backbone.name}: {', '.join(arm.reduction for arm in own_arms)}")
        backbone.tower.to(conditions.device)
        measurement = BackboneMeasurement(backbone, own_arms, conditions)
        figures += measurement.measure()
        failures += measurement.failures
        backbone.tower.to("cpu")
    return EfficiencyReport(conditions, tuple(figures), tuple(failures))


def _write(report: EfficiencyReport, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "efficiency.json").write_text(json.dumps(report.to_json(), indent=1) + "\n")
    if report.figures:
        write_plot(report, folder / "efficiency.png")


def _show(report: EfficiencyReport, console: Console) -> None:
    console.print(speed_table(report), memory_table(report))
    for failure in report.failures:
        what = f"{failure.backbone}, {failure.reduction}: {failure.stage} failed: {failure.reason}"
        console.print(what, style="red", soft_wrap=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)  # open_clip warns that the weights are random, as they should be
    typer.run(main)
