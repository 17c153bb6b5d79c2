"""What a load test is told as."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich import box
from rich.table import Table


@dataclass(frozen=True)
class LoadLevel:
    """What so many clients got, in milliseconds."""

    clients: int
    requests: int
    failures: int
    requests_per_s: float
    p50: float
    p99: float
    p99_by_name: dict[str, float]
    indexed_per_s: float
    """Clips stored meanwhile."""
    is_indexing: bool
    """Whether the batch went on to the end."""


@dataclass(frozen=True)
class LoadReport:
    """One run."""

    model: str
    clips: int
    text_runtime: str
    index: str
    seconds: int
    machine: dict[str, object]
    levels: list[LoadLevel]

    def headline(self) -> str:
        """Return what the figures belong to, in one line."""
        return (
            f"{self.clips:,} clips, {self.model}, {self.text_runtime}; index {self.index}; "
            f"{self.seconds} s each; {self.machine['processor']}"
        )


def read_level(
    statistics: Sequence[Mapping[str, Any]], clients: int, indexed_per_s: float, *, is_indexing: bool
) -> LoadLevel:
    """Return what Locust's ``--json`` tells; raises RuntimeError when no request was answered."""
    by_name = {str(one["name"]): _times(one["response_times"].items()) for one in statistics}
    every = np.concatenate([np.empty(0), *by_name.values()])
    if not len(every):
        raise RuntimeError("Locust sent no request: see what it said above")
    first = min(one["start_time"] for one in statistics)
    last = max(one["last_request_timestamp"] for one in statistics)
    return LoadLevel(
        clients=clients,
        requests=len(every),
        failures=sum(int(one["num_failures"]) for one in statistics),
        requests_per_s=len(every) / max(last - first, 1e-3),
        p50=float(np.percentile(every, 50)),
        p99=float(np.percentile(every, 99)),
        p99_by_name={name: float(np.percentile(times, 99)) for name, times in by_name.items()},
        indexed_per_s=indexed_per_s,
        is_indexing=is_indexing,
    )


def load_table(report: LoadReport) -> Table:
    """Return a row for each number of clients."""
    table = Table("clients", box=box.MARKDOWN)
    names = list(report.levels[0].p99_by_name)
    headings = "requests/s", "p50 ms", "p99 ms", *(f"p99 {name}" for name in names)
    for heading in (*headings, "failed", "clips indexed/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for level in report.levels:
        times = (level.p50, level.p99, *(level.p99_by_name.get(name, float("nan")) for name in names))
        indexed = f"{level.indexed_per_s:.1f}{'' if level.is_indexing else ' (ended)'}"
        rate = f"{level.requests_per_s:.0f}"
        table.add_row(
            str(level.clients), rate, *(f"{one:.0f}" for one in times), str(level.failures), indexed
        )
    return table


def _times(histogram: Iterable[tuple[str, int]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return each of the times that a histogram counts."""
    times, counts = zip(*histogram, strict=True)
    return np.repeat(np.array(times, np.float64), counts)
