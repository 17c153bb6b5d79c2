"""``python -m model.training.compare``: the comparison that the papers make, on one's own machine.

Each token reducer is trained with the same seeds, steps, batches and recipe, in a process of its own, and
tested in both directions. What is finished is kept: the same command goes on where it was stopped. Exit
codes: 0 all arms trained and tested, 1 some failed, 2 wrong usage or no such data, 130 interrupted.
"""

import logging
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console

from model.training.comparison.comparing import Comparison
from model.training.comparison.report import ComparisonReport
from model.training.comparison.tables import cost_table, quality_table
from model.training.options import (
    Batch,
    Checkpointing,
    Device,
    Epochs,
    Frames,
    NewRate,
    Preset,
    Rate,
    Words,
)
from model.training.run import Overrides, Precision, TrainingRun

ALL_COMPARED, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

LOG_COLUMNS = 220
"""Width of the tables where no terminal has its own."""

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder that the dataset lies in.")]
DatasetName = Annotated[str, typer.Option(help="pans, msr-vtt-9k, msvd and so on: see docs/reproduce.md.")]
RecipeName = Annotated[str, typer.Option(help="Training recipe, the same for all arms.")]
Arms = Annotated[
    list[str] | None,
    typer.Option(
        "--arm",
        help="Token reducer such as centerclip:B6-4,49; may be repeated; none comes first. [centerclip, "
        "tempme, pooling, sparse, and frames:N that cost as much as centerclip]",
    ),
]
Seeds = Annotated[int, typer.Option(min=1, help="Trainings of each arm.")]
FirstSeed = Annotated[int, typer.Option(min=0, help="Seed of the first of them; the others count up.")]
Output = Annotated[Path, typer.Option(metavar="DIR", help="Where models, logs and the report go.")]
MaxSteps = Annotated[int | None, typer.Option(min=1, help="Most steps of each training.")]
MicroBatch = Annotated[int | None, typer.Option(min=1, help="Pairs a GPU takes at once: less memory.")]
Processes = Annotated[int, typer.Option(min=1, help="GPUs that share each training, by torchrun.")]
PrecisionName = Annotated[str, typer.Option("--precision", help="auto, float32 or bfloat16.")]
Workers = Annotated[int, typer.Option(min=1, help="Threads of each training that read frames ahead.")]
SideBySide = Annotated[bool, typer.Option(help="Measure speed side by side at the end.")]


def main(  # noqa: PLR0913 - one argument an option
    data: Data,
    dataset: DatasetName = "pans",
    preset: Preset = "tiny",
    recipe: RecipeName = "centerclip",
    arm: Arms = None,
    seeds: Seeds = 3,
    first_seed: FirstSeed = 0,
    output: Output = Path("comparison"),
    epochs: Epochs = None,
    batch: Batch = None,
    learning_rate: Rate = None,
    new_learning_rate: NewRate = None,
    frames: Frames = None,
    words: Words = None,
    max_steps: MaxSteps = None,
    micro_batch: MicroBatch = None,
    processes: Processes = 1,
    device: Device = "auto",
    precision: PrecisionName = "auto",
    checkpointing: Checkpointing = False,
    workers: Workers = 2,
    side_by_side: SideBySide = True,
) -> None:
    """Train every arm with every seed, test them, and print what each finds and what it costs."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = LOG_COLUMNS
    overrides = Overrides(
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        new_learning_rate=new_learning_rate,
        frames=frames,
        words=words,
    )
    try:
        budget = TrainingRun(
            dataset=dataset,
            root=data.absolute(),
            output=output,
            preset=_absolute(preset),
            recipe=recipe,
            overrides=overrides,
            device=device,
            precision=_check_precision(precision),
            micro_batch=micro_batch,
            checkpointing=checkpointing,
            workers=workers,
            max_steps=max_steps,
            frame_store=(output / "frames").absolute(),
        )
        comparison = Comparison(budget, arm or [], range(first_seed, first_seed + seeds), processes)
        report = comparison.run(output.absolute(), console.print, measures_speed=side_by_side)
    except ValueError as error:  # an option, or data that is not there: the message says which
        Console(stderr=True).print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(WRONG_USAGE) from None
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on from here.", style="yellow")
        raise typer.Exit(INTERRUPTED) from None
    _show(report, console)
    raise typer.Exit(SOME_FAILED if report.failures else ALL_COMPARED)


def _absolute(preset: str) -> str:
    """Return a checkpoint folder's full path: the parts must not depend on where they are started."""
    return str(Path(preset).absolute()) if Path(preset).is_dir() else preset


def _check_precision(name: str) -> Precision:
    for known in get_args(Precision):
        if name == known:
            precision: Precision = known
            return precision
    raise ValueError(f"there is no precision {name!r}: name {', '.join(get_args(Precision))}")


def _show(report: ComparisonReport, console: Console) -> None:
    if report.arms:
        console.print(quality_table(report.arms), cost_table(report.arms))
    for line in report.unequal:
        console.print(line, style="red", soft_wrap=True)
    for failure in report.failures:
        what = f"{failure.arm}, seed {failure.seed} failed: {failure.reason} (see {failure.log})"
        console.print(what, style="red", soft_wrap=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)  # open_clip warns of random weights, which measure speed here
    typer.run(main)
