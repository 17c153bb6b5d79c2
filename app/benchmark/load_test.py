"""``python -m app.benchmark.load_test FOLDER``: searches a second by many clients while FOLDER is indexed.

A library of made-up clips is served by a process of its own, ``python -m indexer.batch`` indexes FOLDER into
it meanwhile, and Locust searches, for a while with each number of clients. FOLDER should hold enough video to
be indexed all that time; the table says where it was not.

Exit codes: 0 measured, 1 some requests failed, 2 wrong usage.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from rich.console import Console

from app.benchmark.load_report import LoadLevel, LoadReport, load_table, read_level
from app.benchmark.prepared_library import prepare_library
from app.benchmark.random_model import model_of
from app.benchmark.service_process import Caller, ServiceFacts, service_process
from app.benchmark.synthetic_library import LibrarySize
from app.config import ServiceSettings
from model.evaluation.machine import describe_machine

SOME_FAILED, WRONG_USAGE = 1, 2

SCENARIO = Path(__file__).with_name("load_scenario.py")

FIRST_VIDEO_LIMIT_S = 300.0
"""Until the batch has loaded its model and stored its first clips."""

Folder = Annotated[Path, typer.Argument(help="Videos to index meanwhile.", exists=True, file_okay=False)]
Clients = Annotated[list[int], typer.Option(min=1, help="Clients at once; repeat it.")]
Seconds = Annotated[int, typer.Option(min=1, help="How long each number of clients searches.")]
Clips = Annotated[int, typer.Option(min=100, help="Clips in the library.")]
Model = Annotated[str, typer.Option(help="Preset or checkpoint; an open_clip architecture: random weights.")]
Home = Annotated[Path | None, typer.Option(help="Make the library here and keep it, or use the one there.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@dataclass(frozen=True)
class LoadPlan:
    """What is to be measured."""

    folder: Path
    clients: Sequence[int]
    seconds: int
    size: LibrarySize
    model: str


def main(  # noqa: PLR0913 - a command's options
    folder: Folder,
    clients: Clients = [1, 8, 32],  # noqa: B006 - typer wants a list, and nobody changes it
    seconds: Seconds = 20,
    clips: Clips = 100_000,
    model: Model = "tiny",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Search with more and more clients while FOLDER is indexed."""
    plan = LoadPlan(folder, clients, seconds, LibrarySize(clips), model)
    try:
        if home is not None:
            report = measure_load(home, plan)
        else:
            with TemporaryDirectory(prefix="reelseek-load-") as temporary:
                report = measure_load(Path(temporary), plan)
    except ValueError as error:
        Console(stderr=True, highlight=False).print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(WRONG_USAGE) from None
    if as_json:
        sys.stdout.write(json.dumps(asdict(report), indent=1) + "\n")
    else:
        console = Console(highlight=False)
        console.print(report.headline(), soft_wrap=True)
        console.print(load_table(report))
    if any(level.failures for level in report.levels):
        raise typer.Exit(SOME_FAILED)


def measure_load(home: Path, plan: LoadPlan) -> LoadReport:
    """Return what each number of clients got from a library made in ``home`` unless it is there.

    Raises ValueError as ``latency.measure_latency`` does, RuntimeError for a service or a batch that fails.
    """
    folder = model_of(plan.model, home / "models")
    settings = ServiceSettings(home=home, model=folder, device="cpu", min_free_bytes=0)
    prepare_library(settings, plan.size)
    with service_process(settings) as service, _batch(settings, plan.folder) as batch:
        _wait_for_first_clips(batch, service)
        levels = [_level(batch, service.port, clients, plan.seconds) for clients in plan.clients]
    return LoadReport(
        model=plan.model,
        clips=service.clips,
        text_runtime=service.text_runtime,
        index=service.index,
        seconds=plan.seconds,
        machine=describe_machine(torch.device("cpu")),
        levels=levels,
    )


@contextmanager
def _batch(settings: ServiceSettings, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Index ``folder`` while the block runs; what is not indexed then stays so."""
    environment = {
        **os.environ,
        "REELSEEK_HOME": str(settings.home),
        "REELSEEK_MODEL": settings.model,
        "REELSEEK_DEVICE": settings.device,
    }
    command = [sys.executable, "-m", "indexer.batch", str(folder)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_for_first_clips(batch: subprocess.Popen[bytes], service: ServiceFacts) -> None:
    deadline = time.monotonic() + FIRST_VIDEO_LIMIT_S
    while _clip_count(service.port) <= service.clips:
        if batch.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the batch indexed nothing: run python -m indexer.batch FOLDER to see why")
        time.sleep(0.2)


def _level(batch: subprocess.Popen[bytes], port: int, clients: int, seconds: int) -> LoadLevel:
    before, started = _clip_count(port), time.monotonic()
    arguments = [
        "--headless",
        "--json",
        "--only-summary",
        "--loglevel",
        "WARNING",
        "--exit-code-on-error",
        "0",
    ]
    arguments += ["--users", str(clients), "--spawn-rate", str(clients), "--run-time", f"{seconds}s"]
    command = [sys.executable, "-m", "locust", "-f", str(SCENARIO), "--host", f"http://127.0.0.1:{port}"]
    found = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, check=True)
    is_indexing = batch.poll() is None
    indexed = (_clip_count(port) - before) / (time.monotonic() - started)
    return read_level(json.loads(found.stdout), clients, indexed, is_indexing=is_indexing)


def _clip_count(port: int) -> int:
    caller = Caller(port)  # a connection that is not used for seconds is closed by the service
    try:
        return int(json.loads(caller.get("/ready")[1])["clips"])
    finally:
        caller.close()


if __name__ == "__main__":
    typer.run(main)
