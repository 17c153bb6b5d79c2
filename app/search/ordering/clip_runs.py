"""The best runs of clips when most of their scores are known as bounds only."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.search.ordering.clip_order import NONE, VIDEO_TICKS, ClipOrder

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

FIRST_DOUBTS = 128
"""Runs whose clips are scored at once; twice as many each time."""

ROUNDING = 1e-9
"""By which sums of the same numbers in another order may differ, amply."""

SCORED_AFTER = 16
"""Clips scored together behind one: going round once more costs more than they do."""


@dataclass(frozen=True)
class Run:
    """The best run that begins with a clip."""

    places: tuple[int, ...]
    """One a step, in the order of clips."""
    value: float


class BoundedScores:
    """What clips (N,) are worth to steps (S,): between two bounds, which meet once a clip is scored."""

    def __init__(self, most: Floats, clips: int) -> None:
        """Know nothing but that no clip is worth more than ``most`` (S,) to a step."""
        self.high = np.repeat(most[:, None], clips, axis=1)  # (S, N)
        self.low = np.full_like(self.high, -np.inf)
        self.is_exact = np.zeros(self.high.shape, np.bool_)

    def bound(self, step: int, places: Places, low: Floats, high: Floats) -> None:
        """Take in bounds of the clips at ``places`` (M,)."""
        self.low[step, places], self.high[step, places] = low, high

    def settle(self, step: int, places: Places, values: Floats) -> None:
        """Take in what the clips at ``places`` (M,) are worth."""
        self.bound(step, places, values, values)
        self.is_exact[step, places] = True


class Scoring(Protocol):
    """Finds out what clips are worth."""

    def __call__(self, places: Places) -> Floats:
        """Return the worth (S, M) of the clips at ``places`` (M,)."""
        ...


def best_runs(order: ClipOrder, scores: BoundedScores, score: Scoring, limit: int, above: float) -> list[Run]:
    """Return the best ``limit`` runs worth more than ``above`` in the mean, best first, ties by first id.

    Of each first clip the best run counts (the earliest of equal ones), of runs that overlap the best.
    """
    doubts = FIRST_DOUBTS
    while True:
        values, paths = _extended(order, scores.high)
        starts, chosen, seen = _chosen(order, values, paths, limit, above)
        is_exact = _is_exact(scores, paths[:, starts])
        if is_exact[:seen].all():
            return [Run(tuple(paths[:, start].tolist()), float(values[start])) for start in chosen]
        at_least = floor_of(order, scores.low, limit, above)
        doubtful = starts[~is_exact & (values[starts] >= at_least)]
        unseen = max(doubts, int(np.count_nonzero(~is_exact[:seen])))
        places = _that_matter(order, scores, paths[:, doubtful[:unseen]])
        for step, exact in enumerate(score(places)):
            scores.settle(step, places, exact)
        doubts *= 2


def bounds_by_first_hit(
    order: ClipOrder, high: Floats, elsewhere: Floats, within_s: float, longest_s: float
) -> Floats:
    """Return for each clip in ``order`` (N,) what a run may be worth whose first hit it is.

    ``high`` (S, N) bounds the hits of each step, -inf for clips that are not its hits; any other clip is
    worth ``elsewhere`` (S,) at most, and lasts ``longest_s`` at most.
    """
    steps = len(high)
    rests = [high[-1]]  # of the run from a hit of the last step on, then of the step before, and so on
    for step in range(steps - 2, -1, -1):
        rest = np.full(len(order), elsewhere[step + 1 :].sum())
        for later in range(step + 1, steps):
            between = later - step - 1
            reaching = order.reaching((between + 1) * within_s + between * longest_s)
            best = reaching.best_next(rests[steps - 1 - later])
            sums = np.where(best == NONE, -np.inf, rests[steps - 1 - later][best])
            rest = np.maximum(rest, elsewhere[step + 1 : later].sum() + sums)
        rests.append(high[step] + rest)
    firsts = [elsewhere[:step].sum() + rest for step, rest in enumerate(reversed(rests))]
    bounds: Floats = np.max(firsts, axis=0) / steps
    return bounds


def floor_of(order: ClipOrder, low: Floats, limit: int, above: float) -> float:
    """Return what the last of ``limit`` runs is worth at least; ``above`` if there are fewer.

    By lower bounds (S, N), and no promise: a run that turns out better may take the place of two.
    """
    values, paths = _extended(order, low)
    _, chosen, _ = _chosen(order, values, paths, limit, above)
    return float(values[chosen[-1]]) if len(chosen) == limit else above


def mean_of_path(values: Floats) -> float:
    """Return the mean of values (S,), summed as the values of a run are: from the last one on."""
    return float(np.add.accumulate(values[::-1])[-1] / len(values))


def _extended(order: ClipOrder, values: Floats) -> tuple[Floats, Places]:
    """Return the mean of the best run from each clip on (N,) and its places (S, N); -inf where there is none.

    Found from the last step back; each sum grows in that order, so equal runs have equal means.
    """
    steps = len(values)
    sums, following = values[-1], []
    for step in range(steps - 2, -1, -1):
        best = order.best_next(sums)
        following.append(best)
        sums = np.where(best == NONE, -np.inf, values[step] + sums[best])
    paths = [np.arange(len(order))]
    for best in reversed(following):
        paths.append(best[paths[-1]])
    return sums / steps, np.stack(paths)


def _chosen(
    order: ClipOrder, values: Floats, paths: Places, limit: int, above: float
) -> tuple[Places, list[int], int]:
    """Return all starts worth more than ``above``, the best first, and the best ``limit`` that are apart.

    Runs are apart when they share no time. Returned last: how many starts were seen to find those.
    """
    starts = np.flatnonzero(values > above)
    starts = starts[np.lexsort((order.ids[starts], -values[starts]))]
    chosen: list[int] = []
    taken: dict[int, list[tuple[int, int]]] = defaultdict(list)
    begins, ends = order.start[starts].tolist(), order.end[paths[-1, starts]].tolist()
    for seen, (start, begin, end) in enumerate(zip(starts.tolist(), begins, ends, strict=True)):
        if len(chosen) == limit:
            return starts, chosen, seen
        of_video = taken[begin // VIDEO_TICKS]
        if all(end <= other_begin or begin >= other_end for other_begin, other_end in of_video):
            of_video.append((begin, end))
            chosen.append(start)
    return starts, chosen, len(starts)


def _is_exact(scores: BoundedScores, paths: Places) -> NDArray[np.bool_]:
    exact = np.ones(paths.shape[1], np.bool_)
    for of_step, places in zip(scores.is_exact, paths, strict=True):
        exact &= of_step[places]
    return exact


def _that_matter(order: ClipOrder, scores: BoundedScores, paths: Places) -> Places:
    """Return the clips of ``paths`` (S, R), and those that may stand in for them, that are not scored."""
    firsts = paths.ravel()
    lasts = np.concatenate([paths[0] + 1, order.last_next[paths[:-1]].ravel()])
    lasts = np.minimum(lasts, firsts + SCORED_AFTER)
    edges = np.bincount(firsts, minlength=len(order) + 1) - np.bincount(lasts, minlength=len(order) + 1)
    return np.flatnonzero((np.cumsum(edges[:-1]) > 0) & ~scores.is_exact.all(axis=0))
