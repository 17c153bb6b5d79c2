"""The clips of one generation in memory, kept level with the catalog: each search applies what is missing.

So a finished job is searchable at once, in every process, with no message between them. An index that no
longer suits the size of the library is built anew in a thread of its own, while the old one serves.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer.background_work import BackgroundWork, IsStopped
from indexer.catalog import deletions, generations
from indexer.catalog.session import Database
from indexer.catalog.tables import Embedding
from indexer.vector_index.building import ROWS_AT_ONCE, BuildStoppedError, IndexSizes, build_index
from indexer.vector_index.clip_table import ClipTable, FrozenClips
from indexer.vector_index.faiss_index import FaissIndex, IndexKind
from indexer.vector_index.incoming import add_stored, columns_of, index_for
from indexer.vector_index.read_write_lock import ReadWriteLock
from indexer.vector_index.snapshot import Snapshot, SnapshotHeader, read_snapshot
from indexer.vector_index.view import IndexView

QUIET_S = 60.0
"""Without a change, before an index that a deletion took from the disk is kept there again."""

log = logging.getLogger(__name__)


class IndexFollower:
    """Follows the revision of a generation; any number of threads may search."""

    def __init__(
        self,
        database: Database,
        generation_id: int,
        fingerprint: str,
        dimension: int,
        snapshot_path: Path,
        sizes: IndexSizes | None = None,
    ) -> None:
        """Start from the snapshot when it is good, else with nothing: then all is read from the catalog."""
        self._database = database
        self._generation_id = generation_id
        self._fingerprint = fingerprint
        self._dimension = dimension
        self._snapshot_path = snapshot_path
        self._sizes = sizes or IndexSizes()
        self._catching_up = threading.Lock()
        self._saving = threading.Lock()
        self._lock = ReadWriteLock()
        self._local = threading.local()
        self._index = FaissIndex(dimension)
        self._table = ClipTable(dimension)
        self._history_id, self._revision = "", 0
        self._saved: tuple[int, FaissIndex] | None = None
        self._changed_at = monotonic()
        self._builds = BackgroundWork("index-builder")
        self._may_build = self._is_building = False
        self._failed_at: int | None = None
        self._start()

    def __len__(self) -> int:
        return len(self._table)

    @property
    def kind(self) -> IndexKind:
        """Return of what kind the index is that serves now."""
        return self._index.kind

    def close(self) -> None:
        """Give up an index that is being built; searching goes on with the one there is."""
        self._builds.close()

    def build_when_needed(self) -> None:
        """From now on build, aside, what suits the size of the library: for a service that stays.

        A process that searches once would only give it up again.
        """
        with self._catching_up:
            self._may_build = True
            self._build_if_needed()

    def wait_for_build(self) -> None:
        """Return when an index that suits the library serves and is kept on disk, or cannot be built."""
        self.build_when_needed()
        self._builds.wait()

    def catch_up(self) -> int:
        """Apply what the catalog has and the index has not, and return the revision reached.

        Raises GenerationRetired when all of its vectors were deleted.
        """
        current = self._database.memory.recall(
            ("position", self._generation_id),
            lambda session: generations.current_position(session, self._generation_id),
        )
        if current != (self._history_id, self._revision):
            with self._catching_up, self._database.reading() as session:
                self._apply(session)
                self._build_if_needed()
        return self._revision

    @contextmanager
    def reading(self) -> Iterator[IndexView]:
        """Yield the clips as the catalog has them now; nothing changes while the block runs, so be quick.

        A block inside a block looks at the same moment.
        """
        outer: IndexView | None = getattr(self._local, "view", None)
        if outer is not None:  # catching up would wait for ever for the outer block to end
            yield outer
            return
        self.catch_up()
        with self._lock.reading():
            self._local.view = IndexView(self._table, self._index, self._revision)
            try:
                yield self._local.view
            finally:
                self._local.view = None

    def save_snapshot(self) -> None:
        """Keep index and clips on disk for the next start; does nothing when they are there already."""
        with self._saving:
            with self._catching_up:  # nothing is applied meanwhile; searches go on
                state = self._revision, self._index
                if self._saved == state:
                    return
                snapshot = Snapshot.take(self._index, self._table, self._header(self._revision))
            snapshot.write(self._snapshot_path)
            self._saved = state
            with self._database.reading() as session:
                self._drop_if_outdated(session, snapshot.header)

    def save_when_quiet(self) -> None:
        """Keep on disk again what a deletion took from there, once nothing has changed for a while.

        Else a service that is killed would read a large library anew at its start.
        """
        is_quiet = monotonic() - self._changed_at > QUIET_S
        if is_quiet and len(self) > self._sizes.flat_until and not self._snapshot_path.exists():
            self._saved, self._changed_at = None, monotonic()  # the next try is as far off
            self._save_aside()

    def _drop_if_outdated(self, session: Session, header: SnapshotHeader) -> None:
        """Take a snapshot away when a clip of it was deleted since, or all of them: no copy is to stay."""
        history_id = generations.current_position(session, self._generation_id).history_id
        is_deleted = deletions.is_any_since(session, self._generation_id, header.revision)
        if is_deleted or history_id != header.history_id:
            self._snapshot_path.unlink(missing_ok=True)
            self._saved = None

    def _start(self) -> None:
        with self._database.reading() as session:
            current = generations.current_position(session, self._generation_id)
            self._history_id = current.history_id
            found = read_snapshot(self._snapshot_path, self._header(current.revision))
            if found is not None:
                self._index, self._table, self._revision = found
                self._saved = self._revision, self._index
                self._drop_if_outdated(session, self._header(self._revision))
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
        history_id, revision = changes.position
        is_restored = history_id != self._history_id or revision < self._revision  # from a backup
        if is_restored:
            generations.require_not_retired(session, self._generation_id)
            changes = generations.changes_since(session, self._generation_id, 0)
        with self._lock.writing():
            if is_restored:
                self._start_anew()
            try:
                self._take_in(changes)
            except BaseException:  # half of it may be there: the next look reads all of the catalog
                self._start_anew()
                raise

    def _take_in(self, changes: generations.Changes) -> None:
        self._table.add(
            columns_of(changes), changes.added_video_ids, changes.added_vectors, changes.added_clip_ids
        )
        self._table.remove(changes.removed_ids)
        self._index = index_for(changes, self._index, self._sizes)
        add_stored(self._index, changes.added_ids, changes.added_vectors)
        self._index.remove(changes.removed_ids)
        self._history_id, self._revision = changes.position
        self._changed_at = monotonic()

    def _start_anew(self) -> None:
        self._index, self._table = FaissIndex(self._dimension), ClipTable(self._dimension)
        self._revision, self._saved = 0, None

    def _build_if_needed(self) -> None:
        """Start building an index that suits; whoever calls keeps changes out."""
        if self._may_build and not self._is_building and self._needs_build():
            self._is_building = True
            self._builds.start(self._build)

    def _needs_build(self) -> bool:
        """Return whether another index would suit better, and none has failed for as many clips."""
        count = len(self._table)
        has_failed = self._failed_at is not None and count < self._sizes.growth * self._failed_at
        return not has_failed and not self._sizes.suits(self._index.kind, count)

    def _build(self, is_stopped: IsStopped) -> None:
        """Build until it suits: clips may come by the thousand meanwhile."""
        try:
            while self._goes_on_building():
                self._build_once(is_stopped)
        except BuildStoppedError:
            log.debug("an index was not built to its end: the service closes")

    def _goes_on_building(self) -> bool:
        with self._catching_up:  # a change sees either that this goes on, or that it must begin anew
            self._is_building = self._needs_build()
            return self._is_building

    def _build_once(self, is_stopped: IsStopped) -> None:
        with self._catching_up:
            table, clips = self._table, self._table.frozen()
        try:
            index = build_index(clips, self._sizes, is_stopped)
            is_serving = self._swap(index, table, clips)
        except BuildStoppedError:
            raise
        except Exception:  # whatever it is, the index there is goes on serving
            self._failed_at = len(clips.ids)
            log.warning(
                "no better index could be built; searching goes on with the one there is",
                extra={"action": "index_build_failed", "clips": len(clips.ids)},
                exc_info=True,
            )
            return
        if is_serving:
            kind = index.kind.name
            log.info("index built", extra={"action": "index_built", "kind": kind, "clips": len(index)})
            self._save_aside()

    def _swap(self, index: FaissIndex, table: ClipTable, clips: FrozenClips) -> bool:
        """Let an index of ``clips`` serve, with what came and went since; not if all was read anew."""
        with self._catching_up:
            if table is not self._table:
                return False
            now = table.ids
            added = np.setdiff1d(now, clips.ids, assume_unique=True)
            for start in range(0, len(added), ROWS_AT_ONCE):
                ids = added[start : start + ROWS_AT_ONCE]
                index.add(ids, table.vectors(ids))
            index.remove(np.setdiff1d(clips.ids, now, assume_unique=True))
            with self._lock.writing():
                self._index = index
        return True

    def _save_aside(self) -> None:
        """Keep on disk what takes minutes to build; a service that is killed does not come to do it."""
        try:
            self.save_snapshot()
        except Exception:  # whatever it is, the catalog has every vector
            log.warning("the index was not saved; a start before it is would read the catalog", exc_info=True)

    def _count(self, session: Session) -> int:
        where = generations.is_clip_vector(self._generation_id)
        return session.scalar(select(func.count()).select_from(Embedding).where(where)) or 0

    def _header(self, revision: int) -> SnapshotHeader:
        return SnapshotHeader(
            fingerprint=self._fingerprint,
            generation_id=self._generation_id,
            history_id=self._history_id,
            revision=revision,
            dimension=self._dimension,
            count=len(self),
            kind=self._index.kind,
        )
