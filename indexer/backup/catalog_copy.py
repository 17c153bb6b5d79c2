"""All rows of one catalog written into another, whichever databases the two are.

Left out are unfinished uploads, whose bytes are in no backup, keys of requests that may be sent again, and
tombstones: they tell followers what to take out, and whoever followed the one catalog reads the other from
its beginning (``history_id``).
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Table, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from indexer.catalog import client_tables  # its tables belong to the catalog too
from indexer.catalog.columns import new_id
from indexer.catalog.spoken_words import IndexedWords, words_of
from indexer.catalog.states import JobState, VideoState
from indexer.catalog.tables import Base, Generation, Job, Tombstone, Video

ROWS_AT_ONCE = 1000
"""Held in memory; a row with a vector has about a kilobyte."""

LEFT_OUT = {kind.__tablename__ for kind in (client_tables.Upload, client_tables.IdempotencyKey, Tombstone)}

NO_LIBRARY_YET = {Generation.__tablename__, client_tables.RecentQuery.__tablename__}
"""Tables that a service fills before there is any video."""

RowCounts = dict[str, int]
"""By table."""


def copy_rows(source: Session, target: Session) -> RowCounts:
    """Write the rows that ``source`` sees into ``target``, whose tables are empty; return how many they are.

    Nothing is committed. Rows pass a thousand at a time.
    """
    counts: RowCounts = {}
    for table in Base.metadata.sorted_tables:
        if table.name not in LEFT_OUT:
            counts[table.name] = _copy_table(table, source, target)
    return counts


def replace_rows(source: Session, target: Session) -> RowCounts:
    """Let what ``source`` sees be all that ``target`` has, and return how many rows that is.

    It is one transaction, which the caller commits. Nobody works on the jobs that were running, so they wait
    again; every generation begins another history, at a revision of its own, so that no index, snapshot or
    page of hits passes for one of the restored library.
    """
    _keep_writers_out(target)
    newest = target.scalar(select(func.max(Generation.revision))) or 0
    for table in reversed(Base.metadata.sorted_tables):
        target.execute(delete(table))
    counts = copy_rows(source, target)
    _put_running_jobs_back(target)
    _begin_history(target, newest)
    _number_on(target)
    return counts


def is_empty(session: Session) -> bool:
    """Return whether a library was never used: no video, webhook, judgement or deletion is recorded."""
    tables = (table for table in Base.metadata.sorted_tables if table.name not in NO_LIBRARY_YET)
    return all(session.execute(select(table).limit(1)).first() is None for table in tables)


def _copy_table(table: Table, source: Session, target: Session) -> int:
    readable = [column for column in table.columns if not isinstance(column.type, IndexedWords)]
    result = source.execute(select(*readable), execution_options={"yield_per": ROWS_AT_ONCE})
    count = 0
    for rows in result.mappings().partitions():
        target.execute(insert(table), [_with_words(dict(row), table.columns) for row in rows])
        count += len(rows)
    return count


def _with_words(row: dict[str, Any], columns: Iterable[Column[Any]]) -> dict[str, Any]:
    """Return ``row`` with the words of its text, which a database does not give back."""
    return row | {column.name: words_of(row["text"]) for column in columns if column.name not in row}


def _keep_writers_out(session: Session) -> None:
    """Let nobody write until the commit; SQLite's only writer is this transaction anyway."""
    if session.get_bind().dialect.name == "postgresql":
        names = ", ".join(table.name for table in Base.metadata.sorted_tables)
        session.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))


def _put_running_jobs_back(session: Session) -> None:
    session.execute(
        update(Job)
        .where(Job.state == JobState.RUNNING)
        .values(
            state=JobState.QUEUED,
            stage="queued",
            fraction=0.0,
            attempts=Job.attempts - 1,
            token=Job.token + 1,
            version=Job.version + 1,
            owner=None,
            lease_until=None,
            claimed_at=None,
        ),
        execution_options={"synchronize_session": False},
    )
    session.execute(
        update(Video).where(Video.state == VideoState.INDEXING).values(state=VideoState.PENDING),
        execution_options={"synchronize_session": False},
    )


def _begin_history(session: Session, newest: int) -> None:
    """Let no generation be at a revision that whoever knew the library before could have seen."""
    for generation in session.scalars(select(Generation)):
        generation.history_id = new_id()
        generation.revision = max(generation.revision, newest) + 1
    session.flush()


def _number_on(session: Session) -> None:
    """Let Postgres number new rows behind the highest there is; SQLite does so by itself."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for table in Base.metadata.sorted_tables:
        key = table.autoincrement_column
        if key is not None:
            sequence = func.pg_get_serial_sequence(table.name, key.name)
            highest = select(func.coalesce(func.max(key), 0) + 1).scalar_subquery()
            session.execute(select(func.setval(sequence, highest, False)))
