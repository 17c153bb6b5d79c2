"""The clips in memory, beside the index: their vectors as stored, their videos and their times.

What an index finds is scored again from here, so that a score is exact whatever the index is made of, and
depends on nothing but the query and the clip. Columns only grow at their end, and a deleted row stays as a
gap until a quarter are gaps: neither adding nor deleting a video copies all the others.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from indexer.catalog import vector_codec

CLIP_ID = np.dtype("V16")
"""The 32 hexadecimal digits of a clip's id."""

SMALLEST_CAPACITY = 1024

LARGEST_SHARE_OF_GAPS = 0.25


@dataclass(frozen=True)
class ClipColumns:
    """Clips as columns of one length (N,)."""

    ids: NDArray[np.int64]
    video: NDArray[np.int32]
    """Codes of videos, which ``IndexView.video_id`` names."""
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]


@dataclass(frozen=True)
class FrozenClips:
    """The vectors of one moment: what comes and goes later does not touch them."""

    ids: NDArray[np.int64]  # (N,) ascending
    _stored: NDArray[np.float16]
    _rows: NDArray[np.int64] | None
    """Rows of ``_stored``, when it has gaps."""

    @property
    def dimension(self) -> int:
        """Return how many numbers a vector has."""
        return int(self._stored.shape[1])

    def vectors(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the unit vectors of the ids at ``places`` (M,)."""
        return vector_codec.unit(self._stored[places if self._rows is None else self._rows[places]])


class ClipTable:
    """Clips by embedding id. Reads may run side by side; nothing may run beside a change."""

    def __init__(self, dimension: int) -> None:
        """Start empty, for vectors of ``dimension`` numbers."""
        self.dimension = dimension
        self._names: list[str] = []
        self._codes: dict[str, int] = {}
        self._used = 0
        self._gaps = 0
        self._columns = ClipColumns(*(np.empty(0, kind) for kind in (np.int64, np.int32, float, float)))
        self._vectors = np.empty((0, dimension), vector_codec.STORED_DTYPE)
        self._clip_ids = np.empty(0, CLIP_ID)
        self._is_gap = np.empty(0, np.bool_)
        self._by_video: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        return self._used - self._gaps

    @property
    def newest_id(self) -> int:
        """Return an id that all here are up to, and all that come later are above; 0 when empty."""
        return int(self._columns.ids[self._used - 1]) if self._used else 0

    @property
    def ids(self) -> NDArray[np.int64]:
        """Return all ids (N,), ascending."""
        return self._columns.ids[self._rows()]

    @property
    def video_count(self) -> int:
        """Return how many videos have a clip here."""
        _, edges = self._grouped()
        return int(np.count_nonzero(np.diff(edges)))

    def video_id(self, code: int) -> str:
        """Return the video that ``code`` stands for."""
        return self._names[code]

    @classmethod
    def from_parts(cls, parts: Sequence[NDArray[np.uint8]], dimension: int) -> Self:
        """Return the table that ``to_parts`` took apart; raises ValueError when its parts do not fit."""
        names, ids, video, start_s, end_s, clip_ids, vectors = parts
        columns = ClipColumns(
            ids.view(np.int64), video.view(np.int32), start_s.view(float), end_s.view(float)
        )
        table = cls(dimension)
        video_ids = json.loads(names.tobytes())
        stored = vectors.view(vector_codec.STORED_DTYPE).reshape(-1, dimension)
        table._add(columns, video_ids, stored, clip_ids.view(CLIP_ID))
        return table

    def to_parts(self) -> list[NDArray[np.uint8]]:
        """Return the clips as arrays of bytes, without gaps and without videos that have none."""
        columns = self._taken(self._rows())
        codes, video = np.unique(columns.video, return_inverse=True)
        names = json.dumps([self._names[code] for code in codes]).encode()
        arrays = (columns.ids, video.astype(np.int32), columns.start_s, columns.end_s)
        vectors = np.ascontiguousarray(self._vectors[self._rows()])
        clip_ids = np.ascontiguousarray(self._clip_ids[self._rows()])
        return [
            np.frombuffer(names, np.uint8),
            *(one.view(np.uint8) for one in arrays),
            clip_ids.view(np.uint8),
            vectors.view(np.uint8).ravel(),
        ]

    def add(
        self,
        columns: ClipColumns,
        video_ids: Sequence[str],
        vectors: NDArray[np.float16],
        clip_ids: Sequence[str],
    ) -> None:
        """Add clips with new ids: ``columns.video`` are places in ``video_ids``; vectors (N, D) as stored.

        ``clip_ids`` (N,) are what the catalog calls them.
        """
        self._add(columns, video_ids, vectors, np.frombuffer(bytes.fromhex("".join(clip_ids)), CLIP_ID))

    def _add(
        self,
        columns: ClipColumns,
        video_ids: Sequence[str],
        vectors: NDArray[np.float16],
        clip_ids: NDArray[np.void],
    ) -> None:
        if vectors.shape != (len(columns.ids), self.dimension):
            expected = (len(columns.ids), self.dimension)
            raise ValueError(f"vectors have shape {vectors.shape}: expected {expected}")
        if not len(columns.ids):
            return
        codes = np.array([self._code(video_id) for video_id in video_ids], np.int32)
        self._reserve(self._used + len(columns.ids))
        rows = slice(self._used, self._used + len(columns.ids))
        self._columns.ids[rows] = columns.ids
        self._columns.video[rows] = codes[columns.video]
        self._columns.start_s[rows] = columns.start_s
        self._columns.end_s[rows] = columns.end_s
        self._vectors[rows] = vectors
        self._clip_ids[rows] = clip_ids
        self._is_gap[rows] = False
        self._used = rows.stop
        self._by_video = None
        if np.any(np.diff(self._columns.ids[max(0, rows.start - 1) : rows.stop]) <= 0):
            self._keep(np.argsort(self._columns.ids[: self._used], kind="stable"))

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Take out what is there of ids (N,)."""
        rows = self.rows_of(ids[self.known(ids)])
        if not len(rows):
            return
        self._is_gap[rows] = True
        self._gaps = int(np.count_nonzero(self._is_gap[: self._used]))
        self._by_video = None
        if self._gaps > LARGEST_SHARE_OF_GAPS * self._used:
            self._keep(np.flatnonzero(~self._is_gap[: self._used]))

    def known(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of ids (N,) there are."""
        return self._found(ids)[0]

    def rows_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of ids (N,); raises LookupError naming one that is not there."""
        known, rows = self._found(ids)
        if not known.all():
            raise LookupError(f"there is no clip vector {int(ids[np.argmin(known)])} in the index")
        return rows

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the unit vectors (N, D) of ids (N,); raises LookupError as ``rows_of``."""
        return vector_codec.unit(self._vectors[self.rows_of(ids)])

    def clips(self, ids: NDArray[np.int64]) -> ClipColumns:
        """Return the columns of ids (N,), in their order; raises LookupError as ``rows_of``."""
        return self._taken(self.rows_of(ids))

    def clip_ids(self, ids: NDArray[np.int64]) -> list[str]:
        """Return what the catalog calls the clips of ids (N,); raises LookupError as ``rows_of``."""
        return [one.hex() for one in self._clip_ids[self.rows_of(ids)].tolist()]

    def ids_of_videos(self, video_ids: Iterable[str]) -> NDArray[np.int64]:
        """Return the ids of the clips of videos, ascending; videos that are not here have none."""
        codes = {self._codes[video_id] for video_id in video_ids if video_id in self._codes}
        return self.ids_of_codes(np.fromiter(codes, np.int64))

    def ids_of_codes(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the ids of the clips of the videos that ``codes`` (N,) stand for, ascending."""
        by_video, edges = self._grouped()
        starts, counts = edges[codes], edges[codes + 1] - edges[codes]
        before = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) + np.repeat(starts - before, counts)
        return np.sort(by_video[places])

    def frozen(self) -> FrozenClips:
        """Return the vectors as they are now; only gaps cost memory."""
        rows = self._rows()
        return FrozenClips(self.ids, self._vectors, None if isinstance(rows, slice) else rows)

    def count_until(self, until_id: int) -> int:
        """Return about how many ids are up to ``until_id``: gaps count too."""
        return int(np.searchsorted(self._columns.ids[: self._used], until_id, side="right"))

    def sample(self, count: int, seed: int) -> NDArray[np.int64]:
        """Return ``count`` ids drawn by chance, ascending; all when there are fewer.

        Each id draws its own lot, so that a clip that comes or goes changes no other's.
        """
        ids = self.ids
        if len(ids) <= count:
            return ids.copy()
        lots = _lots(ids, seed)
        return np.sort(ids[np.argpartition(lots, count)[:count]])

    def _grouped(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the ids ordered by video, and where each video's begin (V + 1,)."""
        if self._by_video is None:  # two threads may do it at once, with one result
            rows = self._rows()
            video = self._columns.video[rows]
            order = np.argsort(video, kind="stable")
            edges = np.searchsorted(video[order], np.arange(len(self._names) + 1))
            self._by_video = self._columns.ids[rows][order], edges
        return self._by_video

    def _rows(self) -> NDArray[np.int64] | slice:
        return np.flatnonzero(~self._is_gap[: self._used]) if self._gaps else slice(0, self._used)

    def _found(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return which of ids (N,) there are, and the rows (N,) of those."""
        if not self._used:
            return np.zeros(len(ids), np.bool_), np.zeros(len(ids), np.int64)
        rows = np.minimum(np.searchsorted(self._columns.ids[: self._used], ids), self._used - 1)
        return (self._columns.ids[rows] == ids) & ~self._is_gap[rows], rows

    def _taken(self, rows: NDArray[np.int64] | slice) -> ClipColumns:
        columns = self._columns
        return ClipColumns(columns.ids[rows], columns.video[rows], columns.start_s[rows], columns.end_s[rows])

    def _code(self, video_id: str) -> int:
        code = self._codes.setdefault(video_id, len(self._names))
        if code == len(self._names):
            self._names.append(video_id)
        return code

    def _reserve(self, rows: int) -> None:
        if rows <= len(self._is_gap):
            return
        capacity = max(SMALLEST_CAPACITY, rows, len(self._is_gap) * 3 // 2)
        columns = self._columns
        self._columns = ClipColumns(
            *(
                _grown(column, capacity)
                for column in (columns.ids, columns.video, columns.start_s, columns.end_s)
            )
        )
        self._vectors = _grown(self._vectors, capacity)
        self._clip_ids = _grown(self._clip_ids, capacity)
        self._is_gap = _grown(self._is_gap, capacity)

    def _keep(self, rows: NDArray[np.int64]) -> None:
        """Let the columns be ``rows`` of what they were, in that order, in new memory."""
        self._columns = self._taken(rows)
        self._vectors = self._vectors[rows]
        self._clip_ids = self._clip_ids[rows]
        self._is_gap = self._is_gap[rows]
        self._used = len(rows)
        self._gaps = int(np.count_nonzero(self._is_gap))


def _grown(column: NDArray[Any], capacity: int) -> NDArray[Any]:
    grown = np.empty((capacity, *column.shape[1:]), column.dtype)
    grown[: len(column)] = column
    return grown


def _lots(ids: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """Return a number for each of ids (N,), evenly spread (the finaliser of SplitMix64)."""
    lots = ids.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64)
    lots = (lots ^ (lots >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    lots = (lots ^ (lots >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return lots ^ (lots >> np.uint64(31))
