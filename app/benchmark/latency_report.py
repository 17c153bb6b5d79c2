"""What the latency of searches is told as."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from rich import box
from rich.table import Table

STAGES = ("embed", "search", "rows", "total")
"""Of ``timing_ms`` in an answer."""


@dataclass(frozen=True)
class Way:
    """One kind of request, in milliseconds."""

    name: str
    p50: float
    p99: float
    least: float
    in_process: dict[str, float] = field(default_factory=dict)
    """Medians of ``STAGES``, as the service tells them itself."""

    @classmethod
    def of(cls, name: str, seconds: Sequence[float], stages: Mapping[str, Sequence[float]]) -> Self:
        """Summarise at least one request."""
        p50, p99, least = (1000 * float(value) for value in np.percentile(seconds, [50, 99, 0]))
        return cls(name, p50, p99, least, {stage: float(np.median(times)) for stage, times in stages.items()})


@dataclass(frozen=True)
class LatencyReport:
    """One run."""

    model: str
    clips: int
    segments: int
    text_runtime: str
    index: str
    recall_at_10: float
    fill_s: float
    build_s: float
    machine: dict[str, object]
    ways: list[Way]
    """The plain one first."""

    def headline(self) -> str:
        """Return what the figures belong to, in one line."""
        machine = f"{self.machine['processor']}, load {self.machine['load_average']:.1f}"
        return (
            f"{self.clips:,} clips, {self.model}, {self.text_runtime}; index {self.index}, recall@10 "
            f"{self.recall_at_10:.4f} of exact; {machine}"
        )


def latency_table(report: LatencyReport) -> Table:
    """Return the ways with their shares of the plain one's median."""
    table = Table("asked for", box=box.MARKDOWN)
    for heading in ("p50 ms", "p99 ms", "of plain", *STAGES):
        table.add_column(heading, justify="right", no_wrap=True)
    for way in report.ways:
        inside = [f"{way.in_process[stage]:.2f}" if way.in_process else "–" for stage in STAGES]
        share = f"{way.p50 / report.ways[0].p50:.3f}"
        table.add_row(way.name, f"{way.p50:.2f}", f"{way.p99:.2f}", share, *inside)
    return table
