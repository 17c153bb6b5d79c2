"""Vector indexes kept on disk: damaged, of another library or moment, or unlike the rows they are copies of.

A snapshot that is only behind is no drift: whoever reads it applies what came since.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.catalog import generations, vector_codec
from indexer.catalog.tables import Embedding, Generation, Tombstone
from indexer.doctor.finding import Finding, FindingCode
from indexer.library import Library
from indexer.vector_index.clip_table import ClipTable
from indexer.vector_index.faiss_index import FaissIndex
from indexer.vector_index.snapshot import SnapshotHeader, load_snapshot

ADVICE = "delete it, which --repair does: the next start makes it anew from the rows"

ROWS_AT_ONCE = 10_000

_NAME = re.compile(r"generation-([0-9]+)\.snapshot")


def examine_snapshots(library: Library, *, is_deep: bool) -> Iterator[Finding]:
    """Yield snapshots that no start would read, or with other clips (if deep, vectors) than the rows."""
    for path in sorted((library.settings.home_folder / "index").glob("generation-*.snapshot")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        with library.database.reading() as session:
            generation = session.get(Generation, int(match[1]))
            try:
                difference = _difference(session, generation, path, is_deep=is_deep)
                code = FindingCode.SNAPSHOT_DIFFERS
            except FileNotFoundError:
                continue
            except (ValueError, OSError) as reason:
                difference, code = str(reason), FindingCode.SNAPSHOT_UNUSABLE
        if difference is not None:
            message = f"this vector index is not a copy of the rows: {difference}"
            yield Finding(code, str(path), message, ADVICE, partial(_delete, path))


def _difference(session: Session, generation: Generation | None, path: Path, *, is_deep: bool) -> str | None:
    """Return how the clips of a snapshot differ from the rows; raises ValueError when it is none of them."""
    if generation is None:
        raise ValueError("there is no such generation")
    header = SnapshotHeader(
        fingerprint=generation.fingerprint,
        generation_id=generation.id,
        history_id=generation.history_id,
        revision=generation.revision,
        dimension=generation.dimension,
        count=0,
        kind=FaissIndex(generation.dimension).kind,
    )
    _, table, revision = load_snapshot(path, header)
    return _different_ids(session, generation.id, table, revision) or (
        _different_vectors(session, generation, table, revision) if is_deep else None
    )


def _different_ids(session: Session, generation_id: int, table: ClipTable, revision: int) -> str | None:
    """Return what is too much or too little: it has all rows of its time, and those deleted since."""
    of_its_time = (generations.is_clip_vector(generation_id), Embedding.revision <= revision)
    rows = np.fromiter(session.scalars(select(Embedding.id).where(*of_its_time)), np.int64)
    since = (Tombstone.generation_id == generation_id, Tombstone.revision > revision)
    deleted = np.fromiter(session.scalars(select(Tombstone.embedding_id).where(*since)), np.int64)
    missing = np.setdiff1d(rows, table.ids)
    extra = np.setdiff1d(table.ids, np.union1d(rows, deleted))
    if not len(missing) and not len(extra):
        return None
    return f"it lacks {len(missing)} clips and has {len(extra)} that are in no row"


def _different_vectors(
    session: Session, generation: Generation, table: ClipTable, revision: int
) -> str | None:
    of_its_time = (generations.is_clip_vector(generation.id), Embedding.revision <= revision)
    rows = session.execute(
        select(Embedding.id, Embedding.vector).where(*of_its_time).execution_options(yield_per=ROWS_AT_ONCE)
    )
    count = 0
    for part in rows.partitions():
        ids, packed = zip(*part, strict=True)
        stored = vector_codec.unit(vector_codec.stack(packed, generation.dimension))
        count += _count_unlike(stored, table.vectors(np.array(ids, np.int64)))
    return f"{count} of its vectors are others" if count else None


def _count_unlike(first: NDArray[np.float32], second: NDArray[np.float32]) -> int:
    return int(np.count_nonzero(np.any(first != second, axis=1)))


def _delete(path: Path) -> str:
    path.unlink(missing_ok=True)
    return "deleted it"
