"""``python -m app.benchmark.latency``: how long a search takes, beside the plain implementation.

A library of made-up clips is written, and two services serve it, each in a process of its own: the plain one
(``app.benchmark.plain_search``, 1.00) and ours. One client asks both in turn over open connections, so that
whatever else the machine does hits both alike.

Exit codes: 0 measured, 2 wrong usage.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from rich.console import Console

from app.benchmark.latency_report import STAGES, LatencyReport, Way, latency_table
from app.benchmark.prepared_library import Preparation, prepare_library
from app.benchmark.queries import COUNT, queries
from app.benchmark.random_model import model_of
from app.benchmark.service_process import Caller, ServiceFacts, service_process
from app.benchmark.synthetic_library import LibrarySize
from app.config import ServiceSettings
from model.evaluation.machine import describe_machine
from model.evaluation.timing import time_interleaved

WRONG_USAGE = 2
KNOWN_WORDS = 50
WARM_UP = 10
MAX_REPEATS = (COUNT - KNOWN_WORDS) // 2 - WARM_UP
"""Two ways need new words each time."""

CPU = torch.device("cpu")

Clips = Annotated[int, typer.Option(min=100, help="Clips in the library.")]
Segments = Annotated[int, typer.Option(min=0, help="Rows of segments a clip; fewer fill the disk less.")]
Model = Annotated[str, typer.Option(help="Preset or checkpoint; an open_clip architecture: random weights.")]
Repeats = Annotated[int, typer.Option(min=1, max=MAX_REPEATS, help="How often each way is asked.")]
Home = Annotated[Path | None, typer.Option(help="Make the library here and keep it, or use the one there.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def main(
    clips: Clips = 100_000,
    segments: Segments = 4,
    model: Model = "ViT-B-32",
    repeats: Repeats = 300,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Time searches: plain, with new words, with known ones, and a request that does nothing."""
    size = LibrarySize(clips, segments)
    try:
        if home is not None:
            report = measure_latency(home, model, size, repeats)
        else:
            with TemporaryDirectory(prefix="reelseek-latency-") as temporary:
                report = measure_latency(Path(temporary), model, size, repeats)
    except ValueError as error:
        Console(stderr=True, highlight=False).print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(WRONG_USAGE) from None
    if as_json:
        sys.stdout.write(json.dumps(asdict(report), indent=1) + "\n")
        return
    console = Console(highlight=False)
    console.print(report.headline(), soft_wrap=True)
    console.print(latency_table(report))


def measure_latency(home: Path, model: str, size: LibrarySize, repeats: int) -> LatencyReport:
    """Return the times of searches in a library of ``size``, made in ``home`` unless it is there.

    Raises ValueError for a model that there is not and for a library of another size, RuntimeError for a
    service that does not start or answer.
    """
    folder = model_of(model, home / "models")
    settings = ServiceSettings(home=home, model=folder, device="cpu", min_free_bytes=0)
    preparation = prepare_library(settings, size)
    with service_process(settings, is_plain=True) as plain, service_process(settings) as ours:
        ways = _measure(plain, ours, repeats)
    return _report(model, size, preparation, ours, ways)


def _measure(plain: ServiceFacts, ours: ServiceFacts, repeats: int) -> list[Way]:
    plain_caller, caller = Caller(plain.port), Caller(ours.port)
    words = queries()
    known = cycle(list(islice(words, KNOWN_WORDS)))
    for _ in range(KNOWN_WORDS):
        caller.search(next(known))
    calls: dict[str, Callable[[], tuple[float, bytes]]] = {
        "plain, new words": lambda: plain_caller.search(next(words)),
        "new words": lambda: caller.search(next(words)),
        "words asked before": lambda: caller.search(next(known)),
        "no search: /health": lambda: caller.get("/health"),
    }
    answers: dict[str, list[bytes]] = {name: [] for name in calls}
    runs = [lambda name=name, call=call: answers[name].append(call()[1]) for name, call in calls.items()]
    seconds = time_interleaved(runs, repeats=repeats, warm_up=WARM_UP, device=CPU)
    for one in (plain_caller, caller):
        one.close()
    taken = zip(answers.items(), seconds, strict=True)
    return [Way.of(name, times, _stages(bodies[WARM_UP:])) for (name, bodies), times in taken]


def _stages(bodies: list[bytes]) -> dict[str, list[float]]:
    """Return what the answers say of the milliseconds in the process, by stage; nothing of no search."""
    told: Iterator[dict[str, dict[str, float]]] = (json.loads(body) for body in bodies)
    timings = [one["timing_ms"] for one in told if "timing_ms" in one]
    return {stage: [timing[stage] for timing in timings] for stage in STAGES} if timings else {}


def _report(
    model: str, size: LibrarySize, preparation: Preparation, ours: ServiceFacts, ways: list[Way]
) -> LatencyReport:
    return LatencyReport(
        model=model,
        clips=preparation.clips,
        segments=size.segments,
        text_runtime=ours.text_runtime,
        index=ours.index,
        recall_at_10=preparation.recall,
        fill_s=preparation.fill_s,
        build_s=preparation.build_s,
        machine=describe_machine(CPU),
        ways=ways,
    )


if __name__ == "__main__":
    typer.run(main)
