"""Fine-tuning of a video-text encoder on captioned videos, in one process or several."""

import shutil
import time

import torch

from model.checkpoint import save_trained
from model.datasets.registry import read_dataset
from model.serving_settings import ServingSettings
from model.training.events import Event, Observe, Started, ignore
from model.training.gathering import Processes, join_processes
from model.training.loop import NotFiniteError, TrainingLoop
from model.training.preparation import Preparation, Prepared, ReadDataset
from model.training.report import write_report
from model.training.run import (
    Overrides,
    Precision,
    Speed,
    TrainingOutcome,
    TrainingRun,
    Validation,
)
from model.training.tensorboard_log import TensorBoardLog
from model.training.trainable_model import finish

__all__ = [
    "Overrides",
    "Precision",
    "Speed",
    "TrainingOutcome",
    "TrainingRun",
    "TrainingStoppedError",
    "Validation",
    "train",
]


class TrainingStoppedError(RuntimeError):
    """A loss or gradient was not finite; the message names the step, the last good state and the way out."""


def train(
    run: TrainingRun, *, observe: Observe = ignore, read: ReadDataset = read_dataset
) -> TrainingOutcome:
    """Train as ``run`` says, write the best epoch to ``run.output`` as a servable model, and tell of it.

    An unfinished run of the same settings is taken up where it was. In a process that torchrun started, the
    batch is shared with the others, and the first process alone writes and is observed. Raises ValueError
    for settings that cannot be, DatasetError for a dataset that is not there, and TrainingStoppedError.
    """
    began = time.monotonic()
    with join_processes(run.device) as (processes, device):
        _open_folder(run, processes)
        with TensorBoardLog(run.work / "logs") as log:

            def tell(event: Event) -> None:
                if processes.is_first:
                    log(event)
                    observe(event)

            prepared = Preparation(run, processes, device, tell).make(read)
            loop = TrainingLoop(run, prepared, processes, tell)
            tell(Started(_headline(run, prepared, processes), loop.progress.step, prepared.steps))
            try:
                best = loop.train()
            except NotFiniteError as error:
                raise TrainingStoppedError(_explain(error, run, prepared, processes, loop)) from error
        _deliver(best, run, prepared, processes, loop)
        outcome = _outcome(run, prepared, loop, best, time.monotonic() - began)
        if processes.is_first:
            write_report(outcome, run.work)
            loop.state.remove()
        processes.wait()
        return outcome


def _open_folder(run: TrainingRun, processes: Processes) -> None:
    """Make the work folder, or empty it for a restart; raises ValueError where a finished model lies."""
    is_unfinished = any(run.work.glob("unfinished-training.safetensors"))
    if run.output.exists() and not is_unfinished and not run.restart:
        raise ValueError(
            f"{run.output} exists already: name another --output, or --restart to replace what was trained"
        )
    processes.wait()
    if processes.is_first:
        if run.restart:
            shutil.rmtree(run.work / "logs", ignore_errors=True)
            for path in run.work.glob("unfinished-*"):
                path.unlink()
        run.work.mkdir(parents=True, exist_ok=True)
    processes.wait()


def _explain(
    error: NotFiniteError, run: TrainingRun, prepared: Prepared, processes: Processes, loop: TrainingLoop
) -> str:
    """Write the best epoch so far, if there is one, and say what happened, what is left and what to do."""
    best = loop.progress.best
    if best is not None:
        _deliver(best, run, prepared, processes, loop)
    ways = [f"a lower --learning-rate than {prepared.recipe.learning_rate:g}"]
    if prepared.dtype is not torch.float32:
        ways.append("--precision float32")
    return (
        f"{error}: training stopped, and that step changed nothing. "
        + (f"Epoch {best.epoch}, the best so far, is in {run.output}. " if best else "No epoch was done. ")
        + (
            f"The last good state stays in {loop.state.path}. "
            if loop.state.path.exists()
            else "No state was saved yet. "
        )
        + f"Begin anew with --restart and {' or '.join(ways)}"
    )


def _deliver(
    best: Validation, run: TrainingRun, prepared: Prepared, processes: Processes, loop: TrainingLoop
) -> None:
    """Write the best epoch as a model to serve; the loop cannot go on after that."""
    loop.restore(best)
    finish(prepared.trainable)
    if processes.is_first:
        settings = ServingSettings(prepared.trainable.serving_reducer.name, prepared.recipe.frames)
        positions = prepared.trainable.positions
        save_trained(prepared.trainable.model, run.output, settings, positions, prepared.source)


def _outcome(
    run: TrainingRun, prepared: Prepared, loop: TrainingLoop, best: Validation, wall_s: float
) -> TrainingOutcome:
    return TrainingOutcome(
        run=run,
        reduction=prepared.trainable.serving_reducer.name,
        recipe=prepared.recipe,
        pairs=prepared.sampler.pairs,
        steps=prepared.steps,
        losses=loop.progress.losses,
        validations=loop.progress.validations,
        best=best,
        speed=loop.speed,
        trained_parameters=prepared.trained_numbers,
        refusals=prepared.refusals,
        wall_s=wall_s,
    )


def _headline(run: TrainingRun, prepared: Prepared, processes: Processes) -> str:
    dtype = str(prepared.dtype).removeprefix("torch.")
    return (
        f"Training {run.preset} on {run.dataset}: {prepared.sampler.pairs} pairs of "
        f"{len(prepared.training.store.items)} videos, {prepared.steps} steps of "
        f"{prepared.sampler.batch} pairs, recipe {prepared.recipe.name}, reduction "
        f"{prepared.trainable.reducer.name}, {prepared.trained_numbers:,} trained numbers, {dtype} on "
        f"{processes.count} x {prepared.device}"
    )
