"""What a search may ask of the clips in memory, at one moment of the library."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.catalog import vector_codec
from indexer.vector_index.base import Hit
from indexer.vector_index.clip_table import ClipColumns, ClipTable
from indexer.vector_index.faiss_index import FaissIndex

FEW = 200
"""Clips that a filter leaves are compared one by one up to here: quicker than asking the index."""

SPARE = 32
"""Hits fetched beyond a quarter more than the limit; the exact scores put them in another order."""

MORE = 4
"""Times as many are fetched when clips that were not may be as good as the last hit."""

ROUNDS = 3
"""Of fetching: thousands of clips may be all the same."""


class Scored(NamedTuple):
    """Clips with their exact scores, best first, ties by lower id."""

    ids: NDArray[np.int64]  # (N,)
    scores: NDArray[np.float32]  # (N,)
    vectors: NDArray[np.float32]
    """(M, D) of ``read_ids``: what was read to score them, for whoever goes on comparing."""
    read_ids: NDArray[np.int64]
    """(M,) ascending; the N are among them."""

    def hits(self) -> list[Hit]:
        """Return ids and scores as pairs."""
        return list(zip(self.ids.tolist(), self.scores.tolist(), strict=True))


class IndexView:
    """Index and clips of one revision; good only inside ``IndexFollower.reading``."""

    def __init__(self, table: ClipTable, index: FaissIndex, revision: int) -> None:
        """Look at what is there; nothing is copied."""
        self.revision = revision
        self._table = table
        self._index = index

    @property
    def newest_id(self) -> int:
        """Return the highest id so far: ids grow with revisions, so up to it lies the library of now."""
        return self._table.newest_id

    @property
    def ids(self) -> NDArray[np.int64]:
        """Return the ids of all clips, ascending."""
        return self._table.ids

    @property
    def clip_count(self) -> int:
        """Return how many clips there are."""
        return len(self._table)

    @property
    def video_count(self) -> int:
        """Return how many videos have a clip."""
        return self._table.video_count

    def search(
        self,
        vectors: NDArray[np.float32],
        limit: int,
        allowed_ids: NDArray[np.int64] | None = None,
        until_id: int | None = None,
    ) -> list[list[Hit]]:
        """Return the ``limit`` best (embedding id, cosine) for each of vectors (Q, D), ties by lower id.

        Only ``allowed_ids`` (N,) and ids up to ``until_id`` are looked at, when given. The hits of a limit
        are the first of a greater one's while ``faiss_index.FEWEST_FOUND`` holds all that is fetched for
        both; beyond it an ivf may find a nearer clip late. Raises ValueError for vectors of another dimension
        or a limit below 1.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self._table.dimension:
            expected = f"(Q, {self._table.dimension})"
            raise ValueError(f"query vectors have shape {vectors.shape}: expected {expected}")
        return [self.best(query, limit, allowed_ids, until_id).hits() for query in vectors]

    def best(
        self,
        query: NDArray[np.float32],
        limit: int,
        allowed_ids: NDArray[np.int64] | None = None,
        until_id: int | None = None,
    ) -> Scored:
        """Return the same for one vector (D,), as arrays, with the vectors that were read for it."""
        if limit < 1:
            raise ValueError(f"limit is {limit}: ask for at least 1")
        allowed_ids, until_id = self._narrowed(allowed_ids, until_id)
        if allowed_ids is not None and len(allowed_ids) <= max(FEW, limit):
            few = np.unique(allowed_ids)
            return self._scored(few[self.known(few)], query, limit)
        return self._best(query, limit, allowed_ids, until_id)

    def scores(self, ids: NDArray[np.int64], query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosines (N,) of ids (N,) with a unit vector (D,), the same ones in any company."""
        return vector_codec.cosines(self._table.vectors(ids), query)

    def nearest(
        self,
        query: NDArray[np.float32],
        count: int,
        allowed_ids: NDArray[np.int64] | None = None,
        until_id: int | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], float]:
        """Return ids and scores of what the index holds nearest to a vector (D,), and how far scores are off.

        For whoever needs bounds of many clips and the exact scores of a few: nothing is scored again.
        """
        allowed_ids, until_id = self._narrowed(allowed_ids, until_id)
        ids, scores = self._index.nearest(query, count, allowed_ids, until_id)
        return ids, scores, self._index.kind.error

    def _narrowed(
        self, allowed_ids: NDArray[np.int64] | None, until_id: int | None
    ) -> tuple[NDArray[np.int64] | None, int | None]:
        """Return the same conditions in the form that the index is quickest with."""
        if until_id is not None and until_id >= self.newest_id:
            until_id = None
        if until_id is not None and 2 * self._table.count_until(until_id) < self.clip_count:
            allowed_ids = self._table.ids if allowed_ids is None else allowed_ids
        if allowed_ids is not None and until_id is not None:
            return allowed_ids[allowed_ids <= until_id], None
        return allowed_ids, until_id

    def _best(
        self,
        query: NDArray[np.float32],
        limit: int,
        allowed_ids: NDArray[np.int64] | None,
        until_id: int | None,
    ) -> Scored:
        """Return the best: more are fetched until none left can be better, as far as the index knows."""
        for turn in range(ROUNDS):
            count = (limit + limit // 4 + SPARE) * MORE**turn
            ids, scores = self._index.nearest(query, count, allowed_ids, until_id)
            found = self._scored(np.sort(ids), query, limit)
            if len(ids) < count or scores[-1] + self._index.kind.error < found.scores[-1]:
                break
        return found

    def _scored(self, ids: NDArray[np.int64], query: NDArray[np.float32], limit: int) -> Scored:
        """Return the ``limit`` best of ids (N,), which ascend: rows are read in the order they lie in."""
        vectors = self._table.vectors(ids)
        scores = vector_codec.cosines(vectors, query)
        order = np.argsort(-scores, kind="stable")[:limit]
        return Scored(ids[order], scores[order], vectors, ids)

    def known(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of ids (N,) the library still has."""
        return self._table.known(ids)

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the unit vectors (N, D) of ids (N,); raises LookupError naming one that is not there."""
        return self._table.vectors(ids)

    def clips(self, ids: NDArray[np.int64]) -> ClipColumns:
        """Return videos and times of ids (N,), in their order; raises LookupError as ``vectors``."""
        return self._table.clips(ids)

    def clip_ids(self, ids: NDArray[np.int64]) -> list[str]:
        """Return what the catalog calls the clips of ids (N,); raises LookupError as ``vectors``."""
        return self._table.clip_ids(ids)

    def video_id(self, code: int) -> str:
        """Return the video that a code of ``clips`` stands for."""
        return self._table.video_id(code)

    def ids_of_videos(self, video_ids: Iterable[str]) -> NDArray[np.int64]:
        """Return the ids of the clips of videos, ascending; videos that are not here have none."""
        return self._table.ids_of_videos(video_ids)

    def ids_of_codes(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the ids of the clips of the videos that codes (N,) stand for, ascending."""
        return self._table.ids_of_codes(codes)

    def sample(self, count: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return ids (N,), ascending, and unit vectors (N, D) of ``count`` random clips, all when fewer.

        The same ones while the library does not change, and nearly the same ones when it changes a little.
        """
        ids = self._table.sample(count, seed)
        return ids, self._table.vectors(ids)
