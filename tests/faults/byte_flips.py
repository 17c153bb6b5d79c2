"""``python -m tests.faults.byte_flips``: damage real videos at random, and decode each in the sandbox.

Each mutation follows from the seed and its number alone, so that one can be repeated. What became of each
file, its time and its memory are counted; a summary is told as a table in Markdown.
"""

import json
import math
import resource
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

from indexer.decoding.messages import DecodedClip, DecodeMessage, DecodeSummary
from indexer.decoding.plans import CutPlan, DecodePlan
from indexer.decoding.sandbox import Decoding
from indexer.errors import IndexingError
from tests.faults.fuzz_sources import render_sources, shared_sources

PLAN = DecodePlan(image_size=64, resize_mode="shortest", frames_per_clip=12)

TIME_CEILING_S = 60.0
"""For files of a few seconds: the patience with a silent child, and far more than any took."""

MEMORY_CEILING = 1024**3
"""For pictures of at most 1080p; the limit on address space is four times as much."""

CUT_EVERY = 7
MAX_CUT_BYTES = 10_000_000

FLIPS = (1, 1, 2, 4, 16, 64, 256)
HEADER_BYTES = 4096


@dataclass(frozen=True)
class Outcome:
    """What became of one damaged file."""

    number: int
    source: str
    kind: str
    result: str
    """"whole", "partly" (a warning), "cut", or the code of the error."""
    seconds: float
    cpu_s: float
    peak_memory_bytes: int


def mutate(original: bytes, seed: int, number: int) -> tuple[str, bytes]:
    """Return the kind of damage and the damaged bytes that follow from `seed` and `number`."""
    chance = np.random.default_rng([seed, number])
    damaged = np.frombuffer(original, np.uint8).copy()
    kind = chance.choice(
        ["flips anywhere", "flips in the header", "noise", "zeros", "cut", "repeat"], p=_SHARES
    )
    if kind.startswith("flips"):
        reach = len(damaged) if kind == "flips anywhere" else min(HEADER_BYTES, len(damaged))
        places = chance.integers(0, reach, int(chance.choice(FLIPS)))
        damaged[places] ^= chance.integers(1, 256, len(places)).astype(np.uint8)
        return str(kind), damaged.tobytes()
    start, end = sorted(chance.integers(0, len(damaged), 2).tolist())
    end = min(end, start + len(damaged) // 4)
    if kind == "noise":
        damaged[start:end] = chance.integers(0, 256, end - start)
    elif kind == "zeros":
        damaged[start:end] = 0
    elif kind == "cut":
        damaged = np.delete(damaged, np.s_[start:end])
    else:
        damaged = np.insert(damaged, end, damaged[start:end])
    return str(kind), damaged.tobytes()


_SHARES = [0.45, 0.25, 0.1, 0.05, 0.1, 0.05]


def fuzz(sources: list[Path], folder: Path, mutations: int, seed: int, first: int = 0) -> Iterator[Outcome]:
    """Yield what becomes of so many mutations of the sources, each written to `folder` and removed.

    Every `CUT_EVERY`th is cut, picture and sound, instead of being indexed. Raises AssertionError when what
    was decoded makes no sense.
    """
    target = folder / "cut.mp4"
    for number in range(first, first + mutations):
        source = sources[number % len(sources)]
        kind, damaged = mutate(source.read_bytes(), seed, number)
        path = folder / f"{number}{source.suffix}"
        path.write_bytes(damaged)
        target.touch()
        is_cut = number % CUT_EVERY == 0
        plan = CutPlan(str(target), 0.5, 1.5, MAX_CUT_BYTES, 1280, 720) if is_cut else PLAN
        started = time.monotonic()
        with Decoding(path, plan) as messages:
            try:
                told = list(messages)
                result = "cut" if is_cut else judge(told)
            except IndexingError as error:
                result = error.code
        took_s, ended = time.monotonic() - started, messages.ended
        path.unlink()
        yield Outcome(number, source.name, kind, result, took_s, ended.cpu_s, ended.peak_memory_bytes)


def judge(messages: list[DecodeMessage]) -> str:
    """Return "whole" or "partly"; raises AssertionError for clips that do not tile the time decoded."""
    clips = [message for message in messages if isinstance(message, DecodedClip)]
    summary = messages[-1]
    assert isinstance(summary, DecodeSummary)
    assert clips
    assert all(math.isfinite(clip.end_s) and clip.start_s < clip.end_s for clip in clips)
    assert clips[0].start_s == 0.0
    assert clips[-1].end_s == summary.decoded_seconds
    assert all(before.end_s == after.start_s for before, after in pairwise(clips))
    return "partly" if summary.warning else "whole"


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes by kind of damage, and what was the most that one file took."""
    results = [name for name, _ in Counter(outcome.result for outcome in outcomes).most_common()]
    lines = [f"| damage | files | {' | '.join(results)} |", "|---" * (len(results) + 2) + "|"]
    for kind in sorted({outcome.kind for outcome in outcomes}):
        found = Counter(outcome.result for outcome in outcomes if outcome.kind == kind)
        lines.append(f"| {kind} | {found.total()} | {' | '.join(str(found[name]) for name in results)} |")
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    largest = max(outcomes, key=lambda outcome: outcome.peak_memory_bytes)
    ours_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return "\n".join(
        [
            *lines,
            "",
            f"{len(outcomes)} files. Slowest: {slowest.seconds:.1f} s ({slowest.source}, mutation "
            f"{slowest.number}).",
            f"Most memory: {largest.peak_memory_bytes // 1024**2} MiB ({largest.source}, mutation "
            f"{largest.number}); parent: {ours_mib} MiB.",
        ]
    )


def main(
    mutations: Annotated[int, typer.Option(min=1, help="Damaged files to decode.")] = 2000,
    seed: Annotated[int, typer.Option(help="What the damage follows from.")] = 6,
    first: Annotated[int, typer.Option(help="Number of the first mutation.")] = 0,
    report: Annotated[Path | None, typer.Option(help="Write every outcome here, as lines of JSON.")] = None,
) -> None:
    """Decode damaged copies of rendered videos, and of the shared clips where there are any."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        sources = render_sources(folder) + shared_sources()
        outcomes = list(fuzz(sources, folder, mutations, seed, first))
    if report is not None:
        report.write_text("".join(json.dumps(asdict(outcome)) + "\n" for outcome in outcomes))
    typer.echo(f"{len(sources)} sources, seed {seed}\n\n{table(outcomes)}")


if __name__ == "__main__":
    typer.run(main)
