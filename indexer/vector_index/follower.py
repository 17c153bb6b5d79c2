"""The index of one generation, kept level with the catalog: each search first applies what is missing.

So a finished job is searchable at once, in every process, with no message between them.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer.catalog import generations, vector_codec
from indexer.catalog.session import Database
from indexer.catalog.tables import Embedding
from indexer.vector_index.base import Hit
from indexer.vector_index.clip_table import ClipColumns, ClipTable
from indexer.vector_index.faiss_index import FaissIndex
from indexer.vector_index.read_write_lock import ReadWriteLock
from indexer.vector_index.snapshot import SnapshotHeader, read_snapshot, write_snapshot
from indexer.vector_index.view import IndexView

log = logging.getLogger(__name__)


class IndexFollower:
    """Follows the revision of a generation; any number of threads may search."""

    def __init__(
        self, database: Database, generation_id: int, fingerprint: str, dimension: int, snapshot_path: Path
    ) -> None:
        """Start from the snapshot when it is good, else with nothing: then all is read from the catalog."""
        self._database = database
        self._generation_id = generation_id
        self._fingerprint = fingerprint
        self._dimension = dimension
        self._snapshot_path = snapshot_path
        self._catching_up = threading.Lock()
        self._lock = ReadWriteLock()
        self._index = FaissIndex(dimension)
        self._table = ClipTable(dimension)
        self._revision = 0
        self._saved_revision: int | None = None
        self._start()

    def __len__(self) -> int:
        return len(self._table)

    def catch_up(self) -> int:
        """Apply what the catalog has and the index has not, and return the revision reached."""
        with self._database.reading() as session:
            current = generations.current_revision(session, self._generation_id)
        if current != self._revision:
            with self._catching_up, self._database.reading() as session:
                self._apply(session)
        return self._revision

    @contextmanager
    def reading(self) -> Iterator[IndexView]:
        """Yield the clips as the catalog has them now; nothing changes while the block runs, so be quick."""
        self.catch_up()
        with self._lock.reading():
            yield IndexView(self._table, self._index, self._revision)

    def search(
        self, vectors: NDArray[np.float32], limit: int, allowed_ids: NDArray[np.int64] | None = None
    ) -> tuple[list[list[Hit]], int]:
        """Return the best ``limit`` (embedding id, cosine) for each of vectors (Q, D), and the revision.

        Only ``allowed_ids`` (N,) are looked at, when given. Raises ValueError as ``FaissIndex.search``.
        """
        with self.reading() as view:
            return view.search(vectors, limit, allowed_ids), view.revision

    def save_snapshot(self) -> None:
        """Keep the index on disk for the next start; does nothing when it is there already."""
        with self._catching_up:  # nothing is applied meanwhile; searches go on
            if self._saved_revision == self._revision:
                return
            with self._database.reading() as session:
                header = self._header(session, self._revision)
            write_snapshot(self._snapshot_path, self._index, self._table, header)
            self._saved_revision = self._revision

    def _start(self) -> None:
        with self._database.reading() as session:
            current = generations.current_revision(session, self._generation_id)
            found = read_snapshot(self._snapshot_path, self._header(session, current))
            if found is not None:
                self._index, self._table, self._revision = found
                self._saved_revision = self._revision
            self._apply(session)
            in_catalog = self._count(session)
            if found is not None and len(self) != in_catalog:
                log.warning(
                    "index snapshot and catalog differ, rebuilding from the catalog",
                    extra={"action": "snapshot_ignored", "in_index": len(self), "in_catalog": in_catalog},
                )
                self._start_anew()
                self._apply(session)

    def _apply(self, session: Session) -> None:
        changes = generations.changes_since(session, self._generation_id, self._revision)
        with self._lock.writing():
            if changes.revision < self._revision:  # the catalog was restored from a backup
                self._start_anew()
                changes = generations.changes_since(session, self._generation_id, 0)
            self._index.add(changes.added_ids, vector_codec.unit(changes.added_vectors))
            self._index.remove(changes.removed_ids)
            self._table.add(_columns(changes), changes.added_video_ids, changes.added_vectors)
            self._table.remove(changes.removed_ids)
            self._revision = changes.revision

    def _start_anew(self) -> None:
        self._index, self._table = FaissIndex(self._dimension), ClipTable(self._dimension)
        self._revision, self._saved_revision = 0, None

    def _count(self, session: Session) -> int:
        where = generations.is_clip_vector(self._generation_id)
        return session.scalar(select(func.count()).select_from(Embedding).where(where)) or 0

    def _header(self, session: Session, revision: int) -> SnapshotHeader:
        generation = generations.get(session, self._generation_id)
        return SnapshotHeader(
            fingerprint=self._fingerprint,
            generation_id=self._generation_id,
            library=generation.created_at.isoformat(),
            revision=revision,
            dimension=self._dimension,
            count=len(self),
        )


def _columns(changes: generations.Changes) -> ClipColumns:
    return ClipColumns(
        ids=changes.added_ids,
        video=np.arange(len(changes.added_ids), dtype=np.int32),
        start_s=changes.added_start_s,
        end_s=changes.added_end_s,
    )
