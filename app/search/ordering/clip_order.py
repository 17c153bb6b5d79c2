"""Clips in the order of their videos and times, and which of them may follow which."""

from copy import copy
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexer.vector_index.clip_table import ClipColumns

TICKS_PER_S = 1_000_000
"""Times as integers, whose sums are exact: a clip that starts where another one ends follows it."""

VIDEO_TICKS = 1 << 42
"""Room for the times of one video, 50 days."""

NONE = -1


class ClipOrder:
    """Clips (N,) by video, start and id, each with a stretch of those that may follow it."""

    def __init__(self, clips: ClipColumns, within_s: float) -> None:
        """Let a clip be followed by those of its video that start 0 to ``within_s`` seconds after its end."""
        start = ticks(clips.video, clips.start_s)
        order = np.lexsort((clips.ids, start))
        self.ids = clips.ids[order]
        self.start, self.end = start[order], ticks(clips.video, clips.end_s)[order]
        itself = np.arange(len(order))
        self.first_next = np.maximum(np.searchsorted(self.start, self.end, side="left"), itself + 1)
        self.last_next = self._last_next(within_s)
        """Exclusive."""

    def __len__(self) -> int:
        return len(self.ids)

    def reaching(self, within_s: float) -> Self:
        """Return the same clips, to be followed within another time."""
        order = copy(self)
        order.last_next = self._last_next(within_s)
        return order

    def places_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where clips (M,) stand; NONE for those that are not here."""
        if not len(self):
            return np.full(len(ids), NONE)
        by_id = np.argsort(self.ids, kind="stable")
        places = by_id[np.minimum(np.searchsorted(self.ids, ids, sorter=by_id), len(self) - 1)]
        return np.where(self.ids[places] == ids, places, NONE)

    def best_next(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the place of the highest of ``values`` (N,) among those that may follow each clip (N,).

        The first of equal ones; NONE where nothing may follow. Each stretch is covered by two whose length is
        a power of two, and the best place in those is found by doubling.
        """
        best = np.full(len(values), NONE)
        clips = np.flatnonzero(self.last_next > self.first_next)
        if not len(clips):
            return best
        first, last = self.first_next[clips], self.last_next[clips]
        level = np.frexp(last - first)[1] - 1  # of a length: the power of two up to it
        places = np.empty((int(level.max()) + 1, len(values)), np.int64)
        places[0] = np.arange(len(values))
        for doubled in range(1, len(places)):
            half = 1 << (doubled - 1)
            places[doubled] = places[doubled - 1]
            places[doubled, :-half] = _better(values, places[doubled - 1, :-half], places[doubled - 1, half:])
        best[clips] = _better(values, places[level, first], places[level, last - (1 << level)])
        return best

    def _last_next(self, within_s: float) -> NDArray[np.int64]:
        latest = self.end + round(within_s * TICKS_PER_S)
        return np.maximum(np.searchsorted(self.start, latest, side="right"), self.first_next)


def around(clips: ClipColumns, times: NDArray[np.int64], reach_s: float) -> ClipColumns:
    """Return the clips that start at most ``reach_s`` seconds from one of ``times`` (M,), which are ticks."""
    own, reach = ticks(clips.video, clips.start_s), round(reach_s * TICKS_PER_S)
    edges = np.append(np.sort(times), np.iinfo(np.int64).max)
    is_near = edges[np.searchsorted(edges, own - reach)] <= own + reach
    return ClipColumns(clips.ids[is_near], clips.video[is_near], clips.start_s[is_near], clips.end_s[is_near])


def ticks(video: NDArray[np.int32], time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return times of clips (N,) on one line on which the videos lie one after another."""
    return video.astype(np.int64) * VIDEO_TICKS + np.rint(time_s * TICKS_PER_S).astype(np.int64)


def _better(
    values: NDArray[np.float64], earlier: NDArray[np.int64], later: NDArray[np.int64]
) -> NDArray[np.int64]:
    return np.where(values[later] > values[earlier], later, earlier)
