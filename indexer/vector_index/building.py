"""Making the index that suits the size of a library, and measuring that it finds what is there.

An ivf is searched in as many lists as it takes to find ``RECALL`` of the hundred nearest clips. How far that
reaches is measured when it is built, with clips as queries and with queries that lie beside them, as words
do. One that needs too many lists is not worth its losses: sq8, which looks at every clip, serves instead.

The phrases of ``model.calibration.phrases`` are closer to what people ask, but their vectors take a text
encoder and up to a minute, and as a rule are not there when the first index is built. What is found would
then depend on what happened to be ready.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.catalog import vector_codec
from indexer.vector_index.clip_table import FrozenClips
from indexer.vector_index.faiss_index import FLAT_ERROR, FaissIndex, IndexKind, one_thread

RECALL = 0.99
"""Share of the nearest clips that must be found."""

NEAREST = 100
"""How many of the nearest: the largest page."""

QUERIES = 128
"""Of each kind, clips and beside them."""

NEARNESS_OF_WORDS = 0.3
"""Cosine between such a query and the clip it was made of, less what all clips have in common."""

POINTS_PER_LIST = 40
"""To train with; more change little."""

FEWEST_IN_A_LIST = 8

REACH_STEP = 0.002
"""By so much an ivf reaches further, in scores, while too little is found."""

REACH_STEPS = 10
"""At most. What is missing then, among clips that differ by less than 8 bits tell, lies in the lists that are
searched: an sq8 would miss it as well, and to fetch more, as ``IndexView`` does, finds it."""

ROUNDS = 10
"""Of k-means; more change little."""

ROWS_AT_ONCE = 16_384

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class IndexSizes:
    """Which kind of index serves how many clips."""

    flat_until: int = 50_000
    """Clips; beyond it an index is trained, below half of it a flat one comes back."""
    growth: float = 2.0
    """It is trained again at so many times the clips it was trained for, and at that part of them."""
    largest_share_probed: float = 0.25
    """Of the lists of an ivf; one that needs more is refused."""

    def suits(self, kind: IndexKind, count: int) -> bool:
        """Return whether an index of ``kind`` is still the one for ``count`` clips."""
        if kind.name == "flat":
            return count <= self.flat_until
        least = max(self.flat_until / 2, kind.made_for / self.growth)
        return least <= count <= self.growth * kind.made_for


class BuildStoppedError(Exception):
    """The index is not needed any more: the service ends."""


def quick_index(vectors: NDArray[np.float32]) -> FaissIndex:
    """Return an empty sq8 trained on some vectors (N, D): made in a moment, to serve until another is."""
    dimension = vectors.shape[1]
    return FaissIndex(dimension, _trained_sq8(vectors), IndexKind("sq8", error=_sq8_error(vectors)))


def build_index(clips: FrozenClips, sizes: IndexSizes, is_stopped: Callable[[], bool]) -> FaissIndex:
    """Return an index of all ``clips``, of the kind that ``sizes`` has for them; raises BuildStoppedError."""
    with one_thread():
        if len(clips.ids) <= sizes.flat_until:
            index = FaissIndex(clips.dimension)
            for ids, vectors in _chunks(clips, is_stopped):
                index.add(ids, vectors)
            return index
        return _built_ivf(clips, sizes, is_stopped) or _built_sq8(clips, is_stopped)


def _built_ivf(clips: FrozenClips, sizes: IndexSizes, is_stopped: Callable[[], bool]) -> FaissIndex | None:
    count = len(clips.ids)
    lists = max(1, min(int(4 * count**0.5), count // FEWEST_IN_A_LIST))
    raw = _trained_ivf(_some(clips, lists * POINTS_PER_LIST), lists, is_stopped)
    index = FaissIndex(clips.dimension, raw, IndexKind("ivf", made_for=count))
    queries = _held_out_queries(_some(clips, 10 * QUERIES))
    truth = Nearest(len(queries))
    for ids, vectors in _chunks(clips, is_stopped):
        index.add(ids, vectors)
        truth.compare(queries, ids, vectors)
    _measure_reach(index, clips, queries, truth, is_stopped)
    probes = np.array([index.probes(query) for query in queries])
    if max(_means_by_kind(probes)) > sizes.largest_share_probed * lists:
        return None
    index.kind = replace(index.kind, error=_error(index, queries, truth))
    return index


def _built_sq8(clips: FrozenClips, is_stopped: Callable[[], bool]) -> FaissIndex:
    some = _some(clips, ROWS_AT_ONCE)
    kind = IndexKind("sq8", made_for=len(clips.ids), error=_sq8_error(some))
    index = FaissIndex(clips.dimension, _trained_sq8(some), kind)
    for ids, vectors in _chunks(clips, is_stopped):
        index.add(ids, vectors)
    return index


class Nearest:
    """The best of some clips for each of Q queries, gathered piece by piece."""

    def __init__(self, queries: int) -> None:
        """Start with nothing seen."""
        self.ids = np.full((queries, 0), -1, np.int64)
        self.scores = np.empty((queries, 0), np.float32)

    def compare(
        self, queries: NDArray[np.float32], ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        """Take vectors (N, D) of ids (N,) into account."""
        scores, places = faiss.knn(queries, vectors, min(NEAREST, len(ids)), faiss.METRIC_INNER_PRODUCT)
        all_ids = np.concatenate([self.ids, ids[places]], axis=1)
        all_scores = np.concatenate([self.scores, scores], axis=1)
        best = np.argsort(-all_scores, axis=1)[:, :NEAREST]
        self.ids = np.take_along_axis(all_ids, best, axis=1)
        self.scores = np.take_along_axis(all_scores, best, axis=1)


def _measure_reach(
    index: FaissIndex,
    clips: FrozenClips,
    queries: NDArray[np.float32],
    truth: Nearest,
    is_stopped: Callable[[], bool],
) -> None:
    """Let an ivf reach as far as it takes to find ``RECALL`` for each kind of query."""
    places = np.searchsorted(clips.ids, truth.ids)
    lists = np.stack([index.lists_of(clips.vectors(of_query)) for of_query in places])  # (Q, K)
    needed = np.stack(
        [index.shortfalls(query)[of_query] for query, of_query in zip(queries, lists, strict=True)]
    )
    half = len(queries) // 2
    least = max(0.0, *(float(np.quantile(of_kind, RECALL)) for of_kind in (needed[:half], needed[half:])))
    for step in range(REACH_STEPS + 1):  # for what 8 bits have lost
        if is_stopped():
            raise BuildStoppedError
        reach = least + step * REACH_STEP
        index.kind = replace(index.kind, reach=reach)
        recall = _recall(index, clips, queries, truth)
        log.info("index measured", extra={"action": "index_measured", "reach": reach, "recall": recall})
        if recall >= RECALL:
            return


def _recall(index: FaissIndex, clips: FrozenClips, queries: NDArray[np.float32], truth: Nearest) -> float:
    """Return the share of the nearest clips that is found, of the kind of query that finds less.

    A clip that is as near as one of them is as good: of a thousand black ones any hundred will do.
    """
    shares = []
    for query, nearest in zip(queries, truth.scores, strict=True):
        ids, _ = index.nearest(query, 2 * NEAREST)
        scores = vector_codec.cosines(clips.vectors(np.searchsorted(clips.ids, ids)), query)
        found = np.count_nonzero(scores >= nearest[-1] - FLAT_ERROR)
        shares.append(min(1.0, found / len(nearest)))
    return min(_means_by_kind(np.array(shares)))


def _means_by_kind(values: NDArray[Any]) -> tuple[float, float]:
    """Return the mean of values (Q,) of queries that are clips, and of those that lie beside them."""
    half = len(values) // 2
    return float(values[:half].mean()), float(values[half:].mean())


def _error(index: FaissIndex, queries: NDArray[np.float32], truth: Nearest) -> float:
    """Return how far the scores of an index are off, for 99.9 % of what is near to ``queries``.

    A few are off by far more: numbers beyond the range that 8 bits were trained for.
    """
    errors = []
    for query, ids, scores in zip(queries, truth.ids, truth.scores, strict=True):
        exact = dict(zip(ids.tolist(), scores.tolist(), strict=True))
        found = zip(*index.nearest(query, NEAREST), strict=True)
        errors += [abs(exact[one] - score) for one, score in found if one in exact]
    return float(np.quantile(errors, 0.999)) if errors else FLAT_ERROR


def _sq8_error(vectors: NDArray[np.float32]) -> float:
    """Return how far the rounding to 8 bits of vectors (N, D) may put a score off: three deviations of it."""
    steps = np.ptp(vectors, axis=0) / 255
    return float(3 * np.sqrt((steps**2).mean() / 12))


def _held_out_queries(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return clips of vectors (N, D), then as many queries that lie beside them: at most 2 × ``QUERIES``."""
    chance = np.random.default_rng(0)
    clips = vectors[:: -(-len(vectors) // QUERIES)]
    apart = clips - vectors.mean(axis=0)
    apart /= np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-6)
    noise = chance.standard_normal(clips.shape, np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    beside = NEARNESS_OF_WORDS * apart + np.sqrt(1 - NEARNESS_OF_WORDS**2) * noise
    beside /= np.linalg.norm(beside, axis=1, keepdims=True)
    queries: NDArray[np.float32] = np.concatenate([clips, beside]).astype(np.float32)
    return queries


def _trained_sq8(vectors: NDArray[np.float32]) -> Any:
    raw: Any = faiss.index_factory(vectors.shape[1], "IDMap2,SQ8", faiss.METRIC_INNER_PRODUCT)
    raw.train(np.ascontiguousarray(vectors))
    return raw


def _trained_ivf(vectors: NDArray[np.float32], lists: int, is_stopped: Callable[[], bool]) -> Any:
    dimension = vectors.shape[1]
    centroids = faiss.IndexFlatIP(dimension)
    clustering: Any = faiss.Clustering(dimension, lists)
    clustering.spherical = True
    clustering.niter = 1  # a round at a time, so that it can be stopped between two
    clustering.min_points_per_centroid = 1
    for _ in range(ROUNDS):
        if is_stopped():
            raise BuildStoppedError
        clustering.train(vectors, centroids)
    kind = faiss.ScalarQuantizer.QT_8bit
    raw: Any = faiss.IndexIVFScalarQuantizer(
        centroids, dimension, lists, kind, faiss.METRIC_INNER_PRODUCT, True
    )
    raw.train(vectors)
    return raw


def _some(clips: FrozenClips, count: int) -> NDArray[np.float32]:
    """Return the unit vectors of ``count`` clips drawn by chance; of all when there are fewer."""
    rows = np.random.default_rng(0).permutation(len(clips.ids))[:count]
    return clips.vectors(np.sort(rows))


def _chunks(
    clips: FrozenClips, is_stopped: Callable[[], bool]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    for start in range(0, len(clips.ids), ROWS_AT_ONCE):
        if is_stopped():
            raise BuildStoppedError
        rows = np.arange(start, min(start + ROWS_AT_ONCE, len(clips.ids)))
        yield clips.ids[rows], clips.vectors(rows)
