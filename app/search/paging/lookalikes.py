"""Which clips of a ranking look alike, found without comparing every two of them whole.

By Cauchy and Schwarz a cosine is at most the product of the heads of two vectors and of the lengths of what
is left of both. A head with that length behind it is an outline: the product of two outlines is the bound.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.catalog import vector_codec

HEAD = 4
"""Of a vector the first of so many parts tells cheaply that two clips cannot be copies: of 1.4 million pairs
in the library of ``app.benchmark.latency`` 584 were left to be compared whole."""

ROUNDING = 1e-5
"""By how much a cosine may come out above its bound."""

VectorsOf = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Gives the unit vectors (N, D) of embedding ids (N,)."""


class LookAlikes:
    """Compares the clips of one ranking, whose vectors are read as they are needed, each once."""

    def __init__(self, ids: NDArray[np.int64], vectors_of: VectorsOf, copy_cosine: float) -> None:
        """Compare clips ``ids`` (N,); ``vectors_of`` reads them."""
        self._ids, self._vectors_of, self._copy_cosine = ids, vectors_of, copy_cosine
        self._vectors = self._outlines = np.empty((0, 0), np.float32)

    def among(self, places: Sequence[int], others: range) -> Iterator[tuple[int, int]]:
        """Yield each of ``places`` with each of ``others`` that it may be a copy of."""
        self._read(max(others.stop, max(places) + 1))
        outlines = self._outlines
        bounds = vector_codec.cosines(outlines[others.start : others.stop], outlines[places][:, None])
        rows, columns = np.nonzero(bounds >= self._copy_cosine - ROUNDING)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            yield places[row], others[column]

    def are_copies(self, one: int, other: int) -> bool:
        """Return whether two places that ``among`` gave count as copies of each other."""
        return bool(vector_codec.cosines(self._vectors[one], self._vectors[other]) >= self._copy_cosine)

    def _read(self, end: int) -> None:
        """Read the vectors of at least the clips before ``end``, in pieces, each once."""
        known = len(self._vectors)
        if end <= known:
            return
        more = self._vectors_of(self._ids[known : max(end, 2 * known)])
        outlines = _outlines(more)
        self._vectors = np.concatenate([self._vectors, more]) if known else more
        self._outlines = np.concatenate([self._outlines, outlines]) if known else outlines


def _outlines(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the heads of unit vectors (N, D), each with the length of its rest behind it."""
    size = vectors.shape[1] // HEAD
    outlines = np.empty((len(vectors), size + 1), np.float32)
    heads = outlines[:, :size]
    heads[:] = vectors[:, :size]
    outlines[:, size] = np.sqrt(np.maximum(0, 1 - np.vecdot(heads, heads)))
    return outlines
