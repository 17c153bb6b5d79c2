"""The parts of a comparison, one arm with one seed each, and the files that a part leaves behind."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from model.durable_file import write_durably
from model.evaluation.timing import rotations
from model.training.run import Overrides, TrainingRun

PLAN_FILE = "plan.json"
RUN_FILE = "run.json"

FREE_TO_CHANGE = frozenset({"reducer", "seed", "output", "workers", "save_every", "restart", "frame_store"})
"""What of a training run is a part's own, or changes no figure."""


@dataclass(frozen=True)
class Part:
    """One arm with one seed, and the folder of its training."""

    arm: str
    seed: int
    folder: Path

    @property
    def model_folder(self) -> Path:
        """The trained model; beside it the training keeps its state and logs."""
        return self.folder / "model"

    @property
    def result_file(self) -> Path:
        """What it found; there once it is finished."""
        return self.folder / "result.json"

    @property
    def failure_file(self) -> Path:
        """Why it ended without a result, in one line."""
        return self.folder / "failure.txt"

    @property
    def log_file(self) -> Path:
        """All that its process said."""
        return self.folder / "log.txt"


def divide(arms: Sequence[str], seeds: Sequence[int], output: Path) -> list[Part]:
    """Return a part for every arm and seed, seed by seed, each seed beginning with the next arm.

    So whatever slows the machine down for an hour slows all arms alike.
    """
    orders = rotations(arms, len(seeds))
    return [
        Part(arm, seed, output / _folder_name(arm) / f"seed-{seed}")
        for seed, order in zip(seeds, orders, strict=True)
        for arm in order
    ]


def run_of(part: Part, budget: TrainingRun) -> TrainingRun:
    """Return the part's training: ``budget`` with the part's own reducer, seed and folder."""
    return replace(budget, reducer=part.arm, seed=part.seed, output=part.model_folder)


def keep_plan(budget: TrainingRun, processes: int, output: Path) -> None:
    """Write down what all parts have in common, or check that ``output`` was begun with the same.

    Raises ValueError naming what differs.
    """
    plan = {name: value for name, value in run_to_json(budget).items() if name not in FREE_TO_CHANGE}
    plan["processes"] = processes
    path = output / PLAN_FILE
    if not path.exists():
        write_whole(path, json.dumps(plan, indent=1))
        return
    begun = json.loads(path.read_text())
    for name in plan | begun:
        if begun.get(name) != plan.get(name):
            raise ValueError(
                f"{output} holds a comparison with {name} {begun.get(name)}, not {plan.get(name)}: "
                "name another --output, or ask for the same to go on with it"
            )


def run_to_json(run: TrainingRun) -> dict[str, Any]:
    """Return the run as JSON values."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(run), default=str))
    return values


def run_from_json(values: dict[str, Any]) -> TrainingRun:
    """Return the run that ``run_to_json`` was given."""
    paths = {
        name: None if values[name] is None else Path(values[name])
        for name in ("root", "output", "frame_store")
    }
    known = {field.name for field in fields(TrainingRun)}
    if known != set(values):
        raise ValueError(f"this is no training run: {sorted(known ^ set(values))} are missing or unknown")
    return TrainingRun(**{**values, **paths, "overrides": Overrides(**values["overrides"])})


def write_whole(path: Path, text: str) -> None:
    """Write a line or more so that nobody ever sees a part of the file."""
    write_durably(path, (text + "\n").encode())


def _folder_name(arm: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "_", arm)
