"""``A then B within 30 s``: runs of clips of one video that show a description each, in order.

A step's score counts in its own spread over the library (z, less the step's mean, the same for all runs), and
a run's score is the mean over its steps. A run of which no clip is among the nearest of its step cannot beat
the mean of the last ones, so only what lies near those is looked at, and all clips if that leaves a doubt.
Scores are at first no more than bounds: what the index says of the nearest clips, and of all others that they
are not nearer than the last one. A clip is scored when it matters what it really is (as in A*): few vectors
are read, and the answer is exact all the same, as far as the index is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.search.ordering.clip_order import NONE, ClipOrder, around
from app.search.ordering.clip_runs import (
    ROUNDING,
    BoundedScores,
    Run,
    best_runs,
    bounds_by_first_hit,
    floor_of,
    mean_of_path,
)
from indexer.catalog import vector_codec
from indexer.vector_index.clip_table import ClipColumns
from indexer.vector_index.view import IndexView

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]

NEAREST = (4096, 32768)
"""Clips of each step, before all are looked at."""


@dataclass(frozen=True)
class SequenceHit:
    """One clip a step, in order of time."""

    embedding_ids: tuple[int, ...]
    scores: tuple[float, ...]
    """Of each step's clip with that step's vector."""
    score: float
    """Mean over the steps of score / spread."""


@dataclass(frozen=True)
class _Search:
    """What is looked for, and where."""

    view: IndexView
    vectors: NDArray[np.float32]  # (S, D)
    spreads: Floats  # (S,)
    within_s: float
    allowed_ids: Ids | None
    until_id: int | None


@dataclass(frozen=True)
class _Nearest:
    """The clips nearest to one step."""

    ids: Ids
    scores: Floats
    error: float
    """How far a score may be off."""


def find(  # noqa: PLR0913 - what a search is made of
    view: IndexView,
    step_vectors: NDArray[np.float32],
    spreads: Floats,
    within_s: float,
    limit: int,
    allowed_ids: Ids | None = None,
    until_id: int | None = None,
) -> list[SequenceHit]:
    """Return the best ``limit`` runs of clips, best first, equal ones by the id of their first clip.

    ``step_vectors`` (S, D) are unit vectors, ``spreads`` (S,) the standard deviations of their scores over
    the library. Between the end of one clip and the start of the next lie 0 to ``within_s`` seconds. Of each
    first clip only the best run counts (the earliest of equal ones), and of runs of a video that overlap in
    time the best. Only ``allowed_ids`` (N,) and ids up to ``until_id`` are looked at, when given.
    """
    search = _Search(view, step_vectors, np.asarray(spreads, np.float64), within_s, allowed_ids, until_id)
    nearest: list[_Nearest] = []
    for count in NEAREST:
        nearest = [_nearest(search, vector, count) for vector in step_vectors]
        if not len(nearest[0].ids):
            return []
        is_all = len(nearest[0].ids) < count
        found = _best_near(search, nearest, limit, is_all)
        if is_all or len(found) == limit:
            return found
    clips = view.clips(_passing(search, view.ids))
    return _best(search, nearest, clips, _last(search, nearest), limit, above=-np.inf)


def _nearest(search: _Search, vector: NDArray[np.float32], count: int) -> _Nearest:
    ids, scores, error = search.view.nearest(vector, count, search.allowed_ids, search.until_id)
    return _Nearest(ids, scores.astype(np.float64), error)


def _last(search: _Search, nearest: list[_Nearest]) -> Floats:
    """Return what a clip that is not among the nearest of a step (S,) is worth to it at most."""
    return np.array([one.scores[-1] + one.error for one in nearest]) / search.spreads


def _best_near(search: _Search, nearest: list[_Nearest], limit: int, is_all: bool) -> list[SequenceHit]:
    """Return the best runs that no run without any of ``nearest`` can beat."""
    elsewhere = np.full(len(nearest), -np.inf) if is_all else _last(search, nearest)
    above = mean_of_path(elsewhere)
    hits = search.view.clips(np.unique(np.concatenate([one.ids for one in nearest])))
    clips = search.view.clips(_passing(search, search.view.ids_of_codes(np.unique(hits.video))))
    longest_s = float((clips.end_s - clips.start_s).max())
    order = ClipOrder(hits, search.within_s)
    scores = _bounded(search, nearest, order, unknown=np.full(len(nearest), -np.inf))
    bounds = bounds_by_first_hit(order, scores.high, elsewhere, search.within_s, longest_s)
    reach_s = (len(nearest) - 1) * (search.within_s + longest_s)
    at_least = floor_of(order, scores.low, limit, above)
    while True:
        looked_at = around(clips, order.start[bounds >= at_least - ROUNDING], reach_s)
        found = _best(search, nearest, looked_at, elsewhere, limit, above)
        if at_least == above or (len(found) == limit and found[-1].score >= at_least):
            return found
        at_least = above


def _best(
    search: _Search, nearest: list[_Nearest], clips: ClipColumns, unknown: Floats, limit: int, above: float
) -> list[SequenceHit]:
    """Return the best runs of ``clips`` worth more than ``above``."""
    order = ClipOrder(clips, search.within_s)
    scores = _bounded(search, nearest, order, unknown)

    def score(places: NDArray[np.int64]) -> Floats:
        return _scores(search, order.ids[places]) / search.spreads[:, None]

    return _hits(search, order, best_runs(order, scores, score, limit, above))


def _bounded(search: _Search, nearest: list[_Nearest], order: ClipOrder, unknown: Floats) -> BoundedScores:
    """Return what the index says of the clips in ``order``; others are worth ``unknown`` (S,) at most."""
    scores = BoundedScores(unknown, len(order))
    for step, (one, spread) in enumerate(zip(nearest, search.spreads, strict=True)):
        places = order.places_of(one.ids)
        is_here = places != NONE
        low, high = (one.scores - one.error) / spread, (one.scores + one.error) / spread
        scores.bound(step, places[is_here], low[is_here], high[is_here])
    return scores


def _passing(search: _Search, ids: Ids) -> Ids:
    if search.allowed_ids is not None:
        ids = ids[np.isin(ids, search.allowed_ids)]
    return ids if search.until_id is None else ids[ids <= search.until_id]


def _scores(search: _Search, ids: Ids) -> NDArray[np.float32]:
    """Return the cosines (S, N) of the steps with clips, the same ones in any company."""
    vectors = search.view.vectors(ids)
    return np.stack([vector_codec.cosines(vectors, query) for query in search.vectors])


def _hits(search: _Search, order: ClipOrder, runs: list[Run]) -> list[SequenceHit]:
    steps = len(search.vectors)
    ids = order.ids[np.array([run.places for run in runs], np.int64).reshape(-1, steps)]  # (R, S)
    scores = _scores(search, ids.ravel()).reshape(steps, -1, steps).diagonal(axis1=0, axis2=2)  # (R, S)
    return [
        SequenceHit(tuple(of_run.tolist()), tuple(of_scores.tolist()), run.value)
        for of_run, of_scores, run in zip(ids, scores, runs, strict=True)
    ]
