"""Times that can be compared on a machine that others use too.

All arms run once in each repetition, in an order that turns from one repetition to the next, so that a slow
minute hits them alike. Speed-ups are taken within a repetition, and their median is given.
"""

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import NamedTuple, TypeVar

import numpy as np
import torch

Item = TypeVar("Item")

Runs = Sequence[Callable[[], object]]

RUNS_A_SAMPLE = {"cuda": 5}
"""Back-to-back runs timed as one, by device: a GPU must not wait for the host to start each. Elsewhere 1."""


class Spread(NamedTuple):
    """Where repeated measurements lie."""

    median: float
    lower_quartile: float
    upper_quartile: float
    least: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Spread":
        """Summarise at least one sample."""
        return cls(*(float(value) for value in np.percentile(samples, [50, 25, 75, 0])))


def rotations(items: Sequence[Item], repeats: int) -> Iterator[Sequence[Item]]:
    """Yield the items once a repetition, each time beginning with the next."""
    for repetition in range(repeats):
        start = repetition % len(items)
        yield [*items[start:], *items[:start]]


def time_interleaved(runs: Runs, *, repeats: int, warm_up: int, device: torch.device) -> list[list[float]]:
    """Return the seconds of each run in each repetition: as many lists as runs, of ``repeats`` each."""
    for run in runs:
        for _ in range(warm_up):
            run()
    seconds: list[list[float]] = [[] for _ in runs]
    for order in rotations(range(len(runs)), repeats):
        for arm in order:
            seconds[arm].append(_time(runs[arm], device))
    return seconds


def ratios(baseline: Sequence[float], seconds: Sequence[float]) -> list[float]:
    """Return how many times as fast as the baseline each repetition was."""
    return [before / after for before, after in zip(baseline, seconds, strict=True)]


def _time(run: Callable[[], object], device: torch.device) -> float:
    count = RUNS_A_SAMPLE.get(device.type, 1)
    synchronise(device)
    started = perf_counter()
    for _ in range(count):
        run()
    synchronise(device)
    return (perf_counter() - started) / count


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
