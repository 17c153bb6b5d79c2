"""Changing which generation serves, and taking one that does not serve out of the library."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from indexer.catalog import generation_states
from indexer.catalog.generation_states import Scope
from indexer.library import Library
from indexer.reindexing.reindex import ENQUEUED_AT_ONCE

DELETED_AT_ONCE = 5000
"""Vectors in one transaction: a fraction of a second, in which uploads and jobs wait."""


@dataclass(frozen=True)
class Promotion:
    """A generation that serves now."""

    generation_id: int
    preset: str
    videos_queued: int
    """That it lacks, and for which jobs were made: the workers of the service do them."""


@dataclass(frozen=True)
class Retirement:
    """What a generation took with it."""

    generation_id: int
    vectors: int
    snapshot_bytes: int


def promote(library: Library, generation_id: int, *, is_partial: bool = False) -> Promotion:
    """Let a generation serve, in one transaction; raises UnknownGeneration, CannotPromote and VideosMissing.

    What it lacks of the library is queued with it, to be read by whoever works for the serving generation.
    """
    with library.database.writing() as session:
        preset = generation_states.promote(session, generation_id, is_partial=is_partial).preset
        queued = _queue_missing(session, generation_id)
    return Promotion(generation_id, preset, queued)


def roll_back(library: Library) -> Promotion:
    """Let the generation serve that served before, though it lacks what came since; raises CannotPromote."""
    with library.database.writing() as session:
        before = generation_states.previous(session)
        generation_states.promote(session, before.id, is_partial=True)
        queued = _queue_missing(session, before.id)
    return Promotion(before.id, before.preset, queued)


def retire(library: Library, generation_id: int) -> Retirement:
    """Delete the vectors, jobs and snapshot of a generation that does not serve, whatever it was before.

    Raises UnknownGeneration and GenerationInUse. Interrupted, it is to be called again.
    """
    with library.database.writing() as session:
        generation_states.give_up(session, generation_id)
    vectors = 0
    while True:
        with library.database.writing() as session:
            deleted = generation_states.delete_vectors(session, generation_id, DELETED_AT_ONCE)
        if not deleted:
            break
        vectors += deleted
    with library.database.writing() as session:
        generation_states.forget(session, generation_id)
    snapshot = library.snapshot_path(generation_id)
    snapshot_bytes = snapshot.stat().st_size if snapshot.exists() else 0
    snapshot.unlink(missing_ok=True)
    return Retirement(generation_id, vectors, snapshot_bytes)


def _queue_missing(session: Session, generation_id: int) -> int:
    """Queue what a generation lacks in the transaction that lets it serve, so that no death comes between."""
    count, last_id = 0, ""
    while ids := generation_states.enqueue_missing(
        session, generation_id, Scope(), last_id, ENQUEUED_AT_ONCE
    ):
        count, last_id = count + len(ids), ids[-1]
    return count
