"""Clips gathered into moments."""

import numpy as np
from numpy.typing import NDArray

from app.search.ordering.ranking import Ranking
from app.search.paging.moments import Gatherer, Rule
from indexer.vector_index.clip_table import ClipColumns

VECTORS = np.eye(12, dtype=np.float32)[[0, 11, *range(2, 12)]]
"""The second looks like the last, the others like nothing else."""


def vectors_of(ids: NDArray[np.int64]) -> NDArray[np.float32]:
    return VECTORS[ids]


def test_a_clip_far_behind_joins_its_neighbour_and_brings_what_looks_like_it() -> None:
    ids, scores = np.arange(12), np.linspace(0.9, 0.8, 12).astype(np.float32)
    ranking = Ranking(ids, scores, scores.astype(float), 12, is_whole=True, is_by_score=True)
    video = np.array([0, 1, *range(2, 11), 0], np.int32)  # the last clip follows the first, in its video
    starts = np.where(ids == 11, 4.0, 0.0)
    clips = ClipColumns(ids, video, starts, starts + 4)
    gatherer = Gatherer(ranking, clips, vectors_of, Rule(merge=True, collapse=True, margin=1.0))
    (first,), goes_on = gatherer.gather(1) or ([], False)
    assert (first.merged, first.similar, goes_on) == ([0, 11], [[1]], True)
