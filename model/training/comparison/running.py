"""All parts of a comparison, one process after the other; what is finished is read back, not run again."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from model.training.comparison.parts import RUN_FILE, Part, run_of, run_to_json, write_whole
from model.training.comparison.results import PartResult, read_result
from model.training.run import TrainingRun

PART_PROCESS = "model.training.comparison.part_process"

SOURCE_ROOT = Path(__file__).resolve().parents[3]

LONGEST_REASON = 500  # characters

Start: TypeAlias = Callable[[Part], int]
"""Runs a part to its end in a process of its own and returns its exit status."""


@dataclass(frozen=True)
class FailedPart:
    """A part that ended without a result; the same command tries it again."""

    arm: str
    seed: int
    reason: str
    log: str
    """The file that tells more."""


class PartsEnded(NamedTuple):
    """What became of all parts."""

    results: tuple[PartResult, ...]
    failures: tuple[FailedPart, ...]


def run_parts(
    parts: Sequence[Part], budget: TrainingRun, start: Start, tell: Callable[[str], None]
) -> PartsEnded:
    """Run every part that is not finished and return the results of all; ``tell`` what is going on.

    A part that fails is told of, and the others go on.
    """
    results: list[PartResult] = []
    failures: list[FailedPart] = []
    for place, part in enumerate(parts, start=1):
        what = f"[{place}/{len(parts)}] {part.arm}, seed {part.seed}"
        result: PartResult | FailedPart | None = read_result(part)
        if result is None:
            tell(f"{what}: training; see {part.log_file}")
            result = _run(part, budget, start)
        if isinstance(result, FailedPart):
            tell(f"{what}: failed: {result.reason}")
            failures.append(result)
            continue
        tell(f"{what}: R-Sum {result.test.text_to_video.recall_sum:.1f}, trained in {result.wall_s:,.0f} s")
        results.append(result)
    return PartsEnded(tuple(results), tuple(failures))


def start_process(part: Part, processes: int = 1) -> int:
    """Train and test the part in a fresh process, or under torchrun in several; return its exit status.

    The process is gone when this returns or raises, and goes by itself if we are killed.
    """
    launcher = [sys.executable, "-P", "-m"]
    if processes > 1:
        launcher += ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"]
    command = [*launcher, PART_PROCESS, part.arm, str(part.seed), str(part.folder)]
    environment = os.environ | {"PYTHONPATH": str(SOURCE_ROOT)}
    with (
        part.log_file.open("ab") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # closes when we die, and so tells the process
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
        ) as process,
    ):
        try:
            return process.wait()
        finally:
            process.kill()


@contextmanager
def only_one(output: Path) -> Iterator[None]:
    """Hold the folder against other comparisons; raises ValueError if one is at work there."""
    output.mkdir(parents=True, exist_ok=True)
    with (output / ".lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # released when the file closes, even by a kill
        except BlockingIOError:
            raise ValueError(
                f"another comparison is at work in {output}: wait for it, or name another --output"
            ) from None
        yield


def _run(part: Part, budget: TrainingRun, start: Start) -> PartResult | FailedPart:
    part.folder.mkdir(parents=True, exist_ok=True)
    part.failure_file.unlink(missing_ok=True)
    write_whole(part.folder / RUN_FILE, json.dumps(run_to_json(run_of(part, budget)), indent=1))
    status = start(part)
    result = read_result(part)
    if status == 0 and result is not None:
        return result
    return FailedPart(part.arm, part.seed, _reason(part, status), str(part.log_file))


def _reason(part: Part, status: int) -> str:
    if part.failure_file.exists():
        return part.failure_file.read_text(encoding="utf-8").strip()[:LONGEST_REASON]
    if status < 0:
        name = signal.Signals(-status).name
        hint = ": the machine may have run out of memory" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{hint}"
    return f"its process ended with exit status {status} and without a result"
