"""``python -m model.training.train``: fine-tune an encoder on your own captioned videos, or on a dataset.

``python -m model.training.train my-videos --output my-model`` reads ``my-videos/captions.csv``. With
``REELSEEK_MODEL=my-model``, ``python -m indexer.batch`` and ``reelseek`` index and search with the result. On
several GPUs: ``torchrun --nproc-per-node 4 -m model.training.train ...``. The same command goes on with what
was interrupted. Exit codes: 0 trained, 1 stopped (a loss that is not finite, no memory, a decoder that died,
a full disk), 2 wrong settings or no such data, 130 interrupted.
"""

import logging
import shlex
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from model.decoded_stream import VideoReadingError
from model.training.events import ignore
from model.training.gathering import is_first_process
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
from model.training.progress import TerminalDisplay, describe
from model.training.trainer import Overrides, TrainingOutcome, TrainingRun, TrainingStoppedError, train

TRAINED, STOPPED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

FEW_CAPTIONS = 20
"""Held-out captions that tell too little of whether training helped: one is 5 points of R@1."""

LOG_COLUMNS = 220
"""Width of lines where no terminal has its own."""


class PrecisionName(StrEnum):
    """What the towers compute in."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


Root = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder with captions.csv and videos, or of the --dataset.")
]
Output = Annotated[
    Path, typer.Option(metavar="DIR", help="New folder for the model; state and logs go to DIR.training.")
]
DatasetName = Annotated[str, typer.Option(help="folder, or a published dataset such as msr-vtt-9k.")]
Reducer = Annotated[str, typer.Option(help="Such as centerclip:B6-4,49 or tempme. auto: the recipe's own.")]
RecipeName = Annotated[str, typer.Option(help="folder, or as published: centerclip, tempme, tempme-full.")]
MicroBatch = Annotated[
    int | None, typer.Option(min=1, help="Pairs a GPU takes at once: less memory, same result. [all]")
]
Seed = Annotated[int, typer.Option(min=0, help="Of order, frames, augmentation and adapters.")]
Workers = Annotated[int, typer.Option(min=1, help="Threads that read frames ahead.")]
Precision = Annotated[PrecisionName, typer.Option(help="What the towers compute in.")]
SaveEvery = Annotated[int, typer.Option(min=1, help="Steps between two states on disk.")]
MaxSteps = Annotated[int | None, typer.Option(min=1, help="Most steps; the schedule is made for them.")]
FrameStore = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where decoded frames are kept. [DIR.training/frames]")
]
Restart = Annotated[
    bool, typer.Option("--restart", help="Throw away an unfinished training, or replace a finished one.")
]


def main(  # noqa: PLR0913 - one argument an option
    root: Root,
    output: Output,
    dataset: DatasetName = "folder",
    preset: Preset = "tiny",
    reducer: Reducer = "auto",
    recipe: RecipeName = "folder",
    epochs: Epochs = None,
    batch: Batch = None,
    micro_batch: MicroBatch = None,
    learning_rate: Rate = None,
    new_learning_rate: NewRate = None,
    frames: Frames = None,
    words: Words = None,
    seed: Seed = 42,
    workers: Workers = 2,
    device: Device = "auto",
    precision: Precision = PrecisionName.AUTO,
    checkpointing: Checkpointing = False,
    save_every: SaveEvery = 100,
    max_steps: MaxSteps = None,
    frame_store: FrameStore = None,
    restart: Restart = False,
) -> None:
    """Fine-tune on captioned videos, keep the epoch that finds held-out ones best, and write it."""
    overrides = Overrides(
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        new_learning_rate=new_learning_rate,
        frames=frames,
        words=words,
    )
    run = TrainingRun(
        dataset=dataset,
        root=root.absolute(),
        output=output.absolute(),
        preset=preset,
        reducer=reducer,
        recipe=recipe,
        overrides=overrides,
        seed=seed,
        device=device,
        precision=precision.value,
        micro_batch=micro_batch,
        checkpointing=checkpointing,
        workers=workers,
        save_every=save_every,
        max_steps=max_steps,
        frame_store=frame_store,
        restart=restart,
    )
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = LOG_COLUMNS
    code = run_and_tell(run, console)
    raise typer.Exit(code)


def run_and_tell(run: TrainingRun, console: Console) -> int:
    """Train, show it on the console in the first process, and return the exit code."""
    try:
        with ExitStack() as stack:
            is_first = is_first_process()
            outcome = train(
                run, observe=stack.enter_context(TerminalDisplay(console)) if is_first else ignore
            )
        if is_first:
            _show(outcome, console)
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on from the last save.", style="yellow")
        return INTERRUPTED
    except ValueError as error:  # settings, or data that is not there: the message says which
        return _fail(WRONG_USAGE, str(error))
    except torch.OutOfMemoryError:
        way_out = "give --micro-batch a smaller number, or --checkpointing: the result is the same"
        return _fail(
            STOPPED, f"the GPU has no memory left: {way_out}, and training goes on from the last save"
        )
    except (TrainingStoppedError, VideoReadingError, OSError) as error:
        return _fail(STOPPED, str(error))
    return TRAINED


def _fail(code: int, reason: str) -> int:
    Console(stderr=True, highlight=False, markup=False).print(reason, style="red", soft_wrap=True)
    return code


def _show(outcome: TrainingOutcome, console: Console) -> None:
    run, before = outcome.run, outcome.validations[0]
    best = outcome.best.metrics.text_to_video
    console.print(f"Kept {describe(outcome.best)}")
    if best.queries < FEW_CAPTIONS:
        console.print(
            f"{best.queries} held-out captions tell little of whether this helped: caption more videos, or "
            "name more for validation in a column split of captions.csv.",
            style="yellow",
            soft_wrap=True,
        )
    elif best.recall_sum <= before.metrics.text_to_video.recall_sum:
        console.print(
            "This is no better than before training: more captioned videos, or another --learning-rate, may "
            "help.",
            style="yellow",
            soft_wrap=True,
        )
    setting = f"REELSEEK_MODEL={shlex.quote(str(run.output))}"
    folder = shlex.quote(str(run.root)) if run.dataset == "folder" else "FOLDER"
    console.print(f"The model is in {run.output}, the report and logs in {run.work}.")
    console.print("Its vectors are its own: index each folder of videos with it, then search.")
    console.print(f"  {setting} python -m indexer.batch {folder}", soft_wrap=True)
    console.print(f"  {setting} reelseek serve", soft_wrap=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)  # refused items are listed by the display
    typer.run(main)
