"""``python -m tests.training_process``: one process of a training, for tests to start, kill and compare."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import torch

from model.training.contrastive import backpropagate
from model.training.events import Event, Observe, StepDone
from model.training.gathering import join_processes
from model.training.loading import PairReader, read_ahead
from model.training.preparation import Preparation
from model.training.run import TrainingRun
from model.training.towers import Towers
from model.training.trainer import train
from tests.toy_training import drawing_run, toy_dataset

WAIT_S = 100


def start(
    folder: Path, *arguments: str, rank: int = 0, count: int = 1, port: int = 0
) -> subprocess.Popen[str]:
    """Start one of ``count`` processes as torchrun would, on ``folder``."""
    place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)} if count > 1 else {}
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)} if count > 1 else {}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training_process", str(folder), *arguments],
        cwd=Path(__file__).parents[1],
        env={**os.environ, **place, **address, "OMP_NUM_THREADS": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def save_gradients(run: TrainingRun, path: Path) -> None:
    """Write loss and summed gradients of the first step, over all processes; the first one writes."""
    with join_processes(run.device) as (processes, device):
        prepared = Preparation(run, processes, device, lambda _: None).make(toy_dataset)
        towers = Towers(prepared.trainable, prepared.preprocessing, device, prepared.dtype)
        prepared.trainable.train()
        reader = PairReader(
            prepared.training.store,
            prepared.training.tokens,
            prepared.sampler,
            prepared.recipe.frames,
            prepared.recipe.augments,
        )
        share = processes.share(prepared.sampler.batch)
        own = next(read_ahead(reader, range(1), share, run.micro_batch or 2, 1))
        model = prepared.trainable.model
        loss = backpropagate(towers.encode_pairs, own, model.logit_scale, processes)
        parameters = prepared.trainable.trained_parameters()
        processes.sum_gradients(parameters.values())
        found = {name: weight.grad for name, weight in parameters.items() if weight.grad is not None}
        if processes.is_first:
            torch.save({"loss": loss, **found}, path)


def _die_after(step: int) -> Observe:
    def observe(event: Event) -> None:
        if isinstance(event, StepDone) and event.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return observe


def main() -> None:
    """Train in a folder until a step kills the process, or write the gradients of the first step."""
    torch.set_num_threads(1)
    folder, task, argument = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if task == "gradients":
        save_gradients(drawing_run(folder), Path(argument))
    else:
        train(drawing_run(folder), observe=_die_after(int(argument)), read=toy_dataset)


if __name__ == "__main__":
    main()
