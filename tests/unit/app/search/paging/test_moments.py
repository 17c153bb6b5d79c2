"""Clips gathered into moments."""

import numpy as np
import pytest
from numpy.typing import NDArray

from app.search.ordering.ranking import Ranking
from app.search.paging.moments import WINDOW, Gatherer, Rule
from indexer.catalog import vector_codec
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


@pytest.mark.parametrize("seed", range(20))
def test_just_those_that_look_alike_stand_behind_a_clip(seed: int) -> None:
    chance = np.random.default_rng(seed)
    vectors = chance.standard_normal((300, 32)).astype(np.float32)
    near = chance.integers(300, size=200)  # copies, and what is nearly one
    vectors[:200] = vectors[near] + chance.uniform(0, 0.15, (200, 1)) * vectors[:200]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids, scores = np.arange(300), np.linspace(0.9, 0.8, 300).astype(np.float32)
    ranking = Ranking(ids, scores, scores.astype(float), 300, is_whole=True, is_by_score=True)
    clips = ClipColumns(ids, ids.astype(np.int32), np.zeros(300), np.ones(300))
    rule = Rule(merge=True, collapse=True, margin=1.0, copy_cosine=0.98)
    found, _ = Gatherer(ranking, clips, lambda some: vectors[some], rule).gather(300) or ([], False)

    free, expected = np.ones(300, np.bool_), []
    for leader in range(300):
        if free[leader]:
            alike = vector_codec.cosines(vectors, vectors[leader]) >= rule.copy_cosine
            alike[leader + WINDOW + 1 :] = False
            expected.append([leader, *(set(np.flatnonzero(alike & free).tolist()) - {leader})])
            free[expected[-1]] = False
    assert [sorted(one.places()) for one in found] == [sorted(places) for places in expected]
    assert 0 < len(expected) < 290  # there were some


@pytest.mark.parametrize("is_by_score", [True, False])
def test_only_scores_within_the_margin_join_and_a_ranking_that_ends_among_them_must_go_deeper(
    *, is_by_score: bool
) -> None:
    ids, scores = np.arange(4), np.array([0.9, 0.85, 0.8, 0.5], np.float32)
    vectors = np.full((4, 4), 0.5, np.float32)  # all look alike
    clips = ClipColumns(ids, ids.astype(np.int32), np.zeros(4), np.ones(4))

    def gathered(known: int, margin: float, *, is_whole: bool) -> list[list[int]] | None:
        ranking = Ranking(ids, scores, scores.astype(float), 4, is_whole, is_by_score).only(np.arange(known))
        rule = Rule(merge=True, collapse=True, margin=margin)
        found = Gatherer(ranking, clips, lambda some: vectors[some], rule).gather(1)
        return None if found is None else [one.places() for one in found[0]]

    assert gathered(4, 0.06, is_whole=True) == [[0, 1]]
    assert gathered(4, 0.2, is_whole=True) == [[0, 1, 2]]
    assert gathered(3, 0.2, is_whole=False) is None
    assert gathered(4, 0.2, is_whole=False) == ([[0, 1, 2]] if is_by_score else None)
