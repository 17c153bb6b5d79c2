"""Search by inner product with FAISS, filters applied inside: of three kinds, by the size of the library.

- flat: every vector as float32; exact.
- sq8: every vector, each number in 8 bits; a third of the time, exact once scored again.
- ivf: the vectors in ``√N``-many lists around centroids, 8 bits a number, the nearest lists searched.

How many lists those are is up to the query: all whose centroid scores nearly as well as the best ones. Where
the library holds what is looked for few stand out; far from everything many are as good as each other. SPANN
(arXiv 2111.08566, section 3.3) does so with the single nearest centroid, which is chance too often.

A filter is a bitmap over the ids: FAISS's array selector scans its whole list for every vector (2.5 times
slower than no filter at all), the bitmap costs an eighth of an unfiltered search when 5 % may pass.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.catalog import vector_codec

FLAT_ERROR = 2e-6
"""How far two sums of float32 products in another order may lie apart."""

LEADING = 8
"""Centroids from the best on that a list is measured against the last of; of 1 to 32, with the same recall,
about these take the fewest lists."""

MORE_LISTS = 4
"""How many times as many lists are searched when the nearest ones held too little."""

FEWEST_FOUND = 1024
"""Clips that the lists of an ivf must hold between them, however few are asked for: which lists are searched
then depends on query and filter alone, and a shorter search is the beginning of a longer one."""


@dataclass(frozen=True)
class IndexKind:
    """How an index is made, and how it is to be searched."""

    name: Literal["flat", "sq8", "ivf"] = "flat"
    reach: float = 0.0
    """Of an ivf: how far below that of the ``LEADING`` centroids the score of a list's may lie."""
    made_for: int = 0
    """Vectors there were when it was trained; 0 for one made in haste."""
    error: float = FLAT_ERROR
    """How far a score may be off."""


class FaissIndex:
    """A ``VectorIndex`` in memory."""

    def __init__(self, dimension: int, raw: Any = None, kind: IndexKind | None = None) -> None:
        """Hold ``raw``, trained as ``kind`` says; without them an empty flat index of ``dimension``."""
        self.dimension = dimension
        self.kind = kind or IndexKind()
        self._index: Any = raw or faiss.index_factory(dimension, "IDMap2,Flat", faiss.METRIC_INNER_PRODUCT)
        self._centroids = _centroids(self._index, dimension) if self.kind.name == "ivf" else None

    @classmethod
    def from_bytes(cls, content: NDArray[np.uint8], kind: IndexKind) -> Self:
        """Return the index that ``to_bytes`` wrote; raises ValueError when FAISS does not know its format.

        Check that the content is whole before: FAISS loads many a damaged index without a word.
        """
        try:
            raw = faiss.deserialize_index(content)
        except RuntimeError as error:
            raise ValueError(f"FAISS {faiss.__version__} cannot read the index: {error}") from error
        return cls(raw.d, raw, kind)

    def to_bytes(self) -> NDArray[np.uint8]:
        """Return the whole index as bytes."""
        content: NDArray[np.uint8] = faiss.serialize_index(self._index)
        return content

    @property
    def lists(self) -> int:
        """Return into how many lists the vectors are parted."""
        return 1 if self._centroids is None else len(self._centroids)

    def lists_of(self, vectors: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return in which list of an ivf each of vectors (N, D) belongs, (N,)."""
        with one_thread():
            lists: NDArray[np.int64] = self._index.quantizer.search(vectors, 1)[1][:, 0]
        return lists

    def shortfalls(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return which ``kind.reach`` it takes to search each of the lists, (L,), for a vector (D,)."""
        return _shortfalls(self._list_scores(query), LEADING)

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add vectors (N, D) under new ids (N,); raises ValueError for another shape."""
        if vectors.shape != (len(ids), self.dimension):
            raise ValueError(f"vectors have shape {vectors.shape}: expected {(len(ids), self.dimension)}")
        self._index.add_with_ids(np.ascontiguousarray(vectors), np.ascontiguousarray(ids))

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Take out what is there of ids (N,)."""
        if len(ids):
            self._index.remove_ids(faiss.IDSelectorBatch(ids))

    def nearest(
        self,
        query: NDArray[np.float32],
        count: int,
        allowed_ids: NDArray[np.int64] | None = None,
        until_id: int | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return ids and scores, off by ``kind.error`` at most, of the ``count`` nearest to a vector (D,).

        Only ``allowed_ids`` (N,) and ids up to ``until_id`` are looked at, when given. ``count`` come back
        whenever there are as many; of an ivf, not always the nearest ones, and beyond ``FEWEST_FOUND`` a
        greater ``count`` may bring some that are nearer.
        """
        passing = len(self) if allowed_ids is None else min(len(allowed_ids), len(self))
        selector = _selector(allowed_ids, until_id)
        if min(count, passing) == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if self._centroids is None:
            return self._search(query, min(count, passing), 1, selector)
        lists, most = self.lists, min(max(count, FEWEST_FOUND), passing)
        list_scores = self._list_scores(query)
        probes = self._reached(list_scores, LEADING)
        if allowed_ids is not None:
            # Fewer pass in each list, and what passes may lie away from the query. Measured with filters that
            # leave chance parts or one side of the library, about as much is found as without a filter.
            probes = max(
                int(probes * (len(self) / passing) ** 2),
                self._reached(list_scores, self._leading(query, passing, selector)),
            )
        probes = max(1, min(lists, probes))
        while True:
            ids, scores = self._search(query, most, probes, selector)
            if len(ids) == most or probes == lists:
                return ids[:count], scores[:count]
            probes = min(lists, probes * MORE_LISTS)

    def probes(self, query: NDArray[np.float32]) -> int:
        """Return how many lists of an ivf are searched for a vector (D,) when nothing is filtered."""
        return self._reached(self._list_scores(query), LEADING)

    def _list_scores(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._centroids is None:
            return np.zeros(1, np.float32)
        return vector_codec.cosines(self._centroids, query)

    def _reached(self, list_scores: NDArray[np.float32], leading: int) -> int:
        """Return how many lists are within reach of the last of the ``leading`` ones.

        Where vectors were removed since the index was made, the lists hold less and as many more count.
        """
        reached = np.count_nonzero(_shortfalls(list_scores, leading) <= self.kind.reach)
        return min(self.lists, int(reached * max(1.0, self.kind.made_for / max(1, len(self)))))

    def _leading(self, query: NDArray[np.float32], passing: int, selector: Any) -> int:
        """Return how many of the best lists hold as many that pass as ``LEADING`` hold as a rule.

        When a filter leaves out just what a query is like, the first lists tell nothing of the rest.
        """
        enough = min(passing, FEWEST_FOUND, LEADING * len(self) // self.lists)
        leading = min(self.lists, max(LEADING, LEADING * len(self) // passing))
        while leading < self.lists and len(self._search(query, enough, leading, selector)[0]) < enough:
            leading = min(self.lists, 2 * leading)
        return leading

    def _search(
        self, query: NDArray[np.float32], count: int, probes: int, selector: Any
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        # FAISS's annotations tell of the C++ constructors only
        plain: Any = faiss.SearchParameters
        of_lists: Any = faiss.SearchParametersIVF
        chosen = {} if selector is None else {"sel": selector}
        parameters = plain(**chosen) if self._centroids is None else of_lists(nprobe=probes, **chosen)
        with one_thread():
            scores, ids = self._index.search(
                np.ascontiguousarray(query[None], dtype=np.float32), count, params=parameters
            )
        found = ids[0] >= 0  # FAISS fills up with -1
        return ids[0][found], scores[0][found]

    def __len__(self) -> int:
        return int(self._index.ntotal)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let FAISS use the calling thread only: waking others costs more than one query's search.

    OpenMP keeps the number for each thread, so this touches no other one.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _centroids(raw: Any, dimension: int) -> NDArray[np.float32]:
    """Return the centroids (L, D) of an ivf as they lie in its memory."""
    quantizer: Any = faiss.downcast_index(raw.quantizer)
    numbers: NDArray[np.float32] = faiss.rev_swig_ptr(quantizer.get_xb(), raw.nlist * dimension)
    return numbers.reshape(-1, dimension)


def _shortfalls(list_scores: NDArray[np.float32], leading: int) -> NDArray[np.float32]:
    """Return how far each of the scores (L,) lies below the last of the ``leading`` ones."""
    place = max(0, len(list_scores) - leading)
    shortfalls: NDArray[np.float32] = np.partition(list_scores, place)[place] - list_scores
    return shortfalls


def _selector(allowed_ids: NDArray[np.int64] | None, until_id: int | None) -> Any:
    if allowed_ids is None:
        return None if until_id is None else faiss.IDSelectorRange(0, until_id + 1)
    if until_id is not None:
        allowed_ids = allowed_ids[allowed_ids <= until_id]
    bits = np.zeros(int(allowed_ids.max(initial=0)) + 1, dtype=bool)
    bits[allowed_ids] = True
    selector: Any = faiss.IDSelectorBitmap
    return selector(np.packbits(bits, bitorder="little"))
