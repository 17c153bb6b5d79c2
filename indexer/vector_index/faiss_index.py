"""Search by inner product with FAISS, filters applied inside: of three kinds, by the size of the library.

- flat: every vector as float32; exact.
- sq8: every vector, each number in 8 bits; a third of the time, exact once scored again.
- ivf: the vectors in ``√N``-many lists around centroids, 8 bits a number, the nearest lists searched.

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

FLAT_ERROR = 2e-6
"""How far two sums of float32 products in another order may lie apart."""

MORE_LISTS = 4
"""How many times as many lists are searched when the nearest ones held too little."""

MORE_LISTS_FILTERED = 2
"""How many times as many lists a filter costs beside the square of the share that it leaves; measured with
filters that leave one side of the library, recall is above 0.99."""


FEWEST_FOUND = 1024
"""Clips that the lists of an ivf must hold between them, however few are asked for: which lists are searched
then depends on query and filter alone, and a shorter search is the beginning of a longer one."""


@dataclass(frozen=True)
class IndexKind:
    """How an index is made, and how it is to be searched."""

    name: Literal["flat", "sq8", "ivf"] = "flat"
    probes: int = 0
    """Lists that a search looks into, of an ivf."""
    word_probes: int = 0
    """Lists that are enough for words, which lie apart from all clips, while nothing is filtered."""
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
        return int(self._index.nlist) if self.kind.name == "ivf" else 1

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
        *,
        is_words: bool = False,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return ids and scores, off by ``kind.error`` at most, of the ``count`` nearest to a vector (D,).

        Only ``allowed_ids`` (N,) and ids up to ``until_id`` are looked at, when given. ``count`` come back
        whenever there are as many; of an ivf, not always the nearest ones, and beyond ``FEWEST_FOUND`` a
        greater ``count`` may bring some that are nearer. Fewer lists are enough for a vector that
        ``is_words``.
        """
        passing = len(self) if allowed_ids is None else min(len(allowed_ids), len(self))
        selector = _selector(allowed_ids, until_id)
        if min(count, passing) == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        lists = self.lists
        most = min(count if lists == 1 else max(count, FEWEST_FOUND), passing)
        probes = self.kind.word_probes if is_words and allowed_ids is None else self.kind.probes
        if allowed_ids is not None:  # fewer pass in each list, and what passes may lie away from the query
            probes = int(MORE_LISTS_FILTERED * probes * (len(self) / passing) ** 2)
        probes = max(1, min(lists, probes))
        while True:
            ids, scores = self._search(query, most, probes, selector)
            if len(ids) == most or probes == lists:
                return ids[:count], scores[:count]
            probes = min(lists, probes * MORE_LISTS)

    def _search(
        self, query: NDArray[np.float32], count: int, probes: int, selector: Any
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        # FAISS's annotations tell of the C++ constructors only
        plain: Any = faiss.SearchParameters
        of_lists: Any = faiss.SearchParametersIVF
        chosen = {} if selector is None else {"sel": selector}
        parameters = of_lists(nprobe=probes, **chosen) if self.kind.name == "ivf" else plain(**chosen)
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


def _selector(allowed_ids: NDArray[np.int64] | None, until_id: int | None) -> Any:
    if allowed_ids is None:
        return None if until_id is None else faiss.IDSelectorRange(0, until_id + 1)
    if until_id is not None:
        allowed_ids = allowed_ids[allowed_ids <= until_id]
    bits = np.zeros(int(allowed_ids.max(initial=0)) + 1, dtype=bool)
    bits[allowed_ids] = True
    selector: Any = faiss.IDSelectorBitmap
    return selector(np.packbits(bits, bitorder="little"))
