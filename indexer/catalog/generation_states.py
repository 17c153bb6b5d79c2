"""What becomes of a generation: built beside the one that serves, promoted, rolled back to, retired.

::

    building ─► serving ◄─► retired ─► building      promoted, replaced or rolled back to, built on
        └──────────────────► retired                 given up

Functions take a session and never commit. Rows are locked in the order job, video, generation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from indexer.catalog import generations, jobs
from indexer.catalog.columns import new_id
from indexer.catalog.job_states import OPEN_STATES
from indexer.catalog.states import GenerationState, Priority, VideoState
from indexer.catalog.tables import Clip, Embedding, Generation, Job, Tombstone, Video
from indexer.errors import CannotPromote, GenerationInUse, UnknownGeneration, VideosMissing

if TYPE_CHECKING:
    from model.factory import EncoderSettings

NAMED_AT_MOST = 10
"""Of the videos that a generation lacks."""


@dataclass(frozen=True)
class Scope:
    """Which videos a generation is to read: those named and those of the collections named; else all."""

    video_ids: Sequence[str] = ()
    collections: Sequence[str] = ()

    @property
    def condition(self) -> ColumnElement[bool]:
        """Return the condition on a video; one that failed is read only when it is named itself."""
        has_not_failed = Video.state != VideoState.FAILED
        if not self.video_ids and not self.collections:
            return has_not_failed
        is_of_collection = and_(Video.collection.in_(self.collections), has_not_failed)
        return or_(Video.id.in_(self.video_ids), is_of_collection)


def find(session: Session, generation_id: int) -> Generation:
    """Return a generation; raises UnknownGeneration."""
    found = session.get(Generation, generation_id)
    if found is None:
        raise UnknownGeneration(generation_id)
    return found


def start_building(session: Session, settings: "EncoderSettings") -> Generation:
    """Return the generation of ``settings``, to be built, and not paused; one that serves goes on serving."""
    generation = generations.find_or_make(session, settings, GenerationState.BUILDING)
    if generation.state is GenerationState.RETIRED:
        generation.state = GenerationState.BUILDING
    generation.is_paused = False
    session.flush()
    return generation


def enqueue_missing(
    session: Session, generation_id: int, scope: Scope, after_id: str, limit: int
) -> Sequence[str]:
    """Queue jobs for videos that a generation has not read, and return their ids, in order.

    They are the first ``limit`` whose ids follow ``after_id``.
    """
    has_job = exists().where(
        Job.video_id == Video.id, Job.generation_id == generation_id, Job.state.in_(OPEN_STATES)
    )
    ids = session.scalars(
        select(Video.id)
        .where(scope.condition, ~has_read(generation_id), ~has_job, Video.id > after_id)
        .order_by(Video.id)
        .limit(limit)
    ).all()
    for video_id in ids:
        jobs.enqueue(session, video_id, priority=Priority.REBUILD, generation_id=generation_id)
    return ids


def has_read(generation_id: int) -> ColumnElement[bool]:
    """Return the condition that a generation has vectors of a video."""
    return exists().where(
        Clip.video_id == Video.id, Embedding.clip_id == Clip.id, Embedding.generation_id == generation_id
    )


def lacks(generation_id: int, other_id: int) -> ColumnElement[bool]:
    """Return the condition that a search in another generation finds a video, and one in this does not."""
    return and_(Video.state == VideoState.READY, has_read(other_id), ~has_read(generation_id))


def count_videos(session: Session, condition: ColumnElement[bool]) -> int:
    """Return how many videos fit a condition."""
    return session.scalar(select(func.count()).select_from(Video).where(condition)) or 0


def promote(session: Session, generation_id: int, *, is_partial: bool = False) -> Generation:
    """Let a generation serve instead of the one that does; all in the caller's one transaction.

    Raises UnknownGeneration, CannotPromote for one that has read nothing, and VideosMissing, naming some, for
    one that lacks videos which can be found now, unless ``is_partial``.
    """
    find(session, generation_id)
    if not generations.has_vectors(session, generation_id):
        raise CannotPromote(
            f"generation {generation_id} has read no video: build it first, with reelseek reindex"
        )
    session.execute(
        update(Video)
        .where(Video.state == VideoState.FAILED, has_read(generation_id))
        .values(state=VideoState.READY, error_code=None, error_message=None),
        execution_options={"synchronize_session": False},
    )
    before = next(
        (one for one in generations.lock_all(session) if one.state is GenerationState.SERVING), None
    )
    if before is not None and before.id != generation_id and not is_partial:
        _require_whole(session, generation_id, before.id)
    if before is None or before.id != generation_id:
        generations.let_serve(session, generation_id)
    return find(session, generation_id)


def _require_whole(session: Session, generation_id: int, serving_id: int) -> None:
    missing = lacks(generation_id, serving_id)
    count = count_videos(session, missing)
    if count:
        named = session.scalars(
            select(Video.title).where(missing).order_by(Video.added_at, Video.id).limit(NAMED_AT_MOST)
        )
        raise VideosMissing(generation_id, serving_id, count, list(named))


def previous(session: Session) -> Generation:
    """Return the generation that served before the one that does; raises CannotPromote when there is none."""
    served = session.scalars(
        select(Generation)
        .where(Generation.state == GenerationState.RETIRED, Generation.promoted_at.is_not(None))
        .order_by(Generation.promoted_at.desc(), Generation.id.desc())
    )
    found = next((one for one in served if generations.has_vectors(session, one.id)), None)
    if found is None:
        raise CannotPromote(
            "no generation served before this one, or it was retired: there is none to go back to"
        )
    return found


def set_paused(session: Session, generation_id: int, is_paused: bool) -> Generation:
    """Let the jobs of a generation wait, or go on; raises UnknownGeneration."""
    generation = find(session, generation_id)
    generation.is_paused = is_paused
    return generation


def give_up(session: Session, generation_id: int) -> Generation:
    """Take a generation's jobs away, so that nothing more is read by it; raises GenerationInUse.

    A worker that is at one of them writes nothing. Raises UnknownGeneration too.
    """
    session.scalars(
        select(Job.id).where(Job.generation_id == generation_id).order_by(Job.id).with_for_update()
    ).all()
    session.execute(
        delete(Job).where(Job.generation_id == generation_id),
        execution_options={"synchronize_session": False},
    )
    generations.lock_all(session)
    generation = find(session, generation_id)
    if generation.state is GenerationState.SERVING:
        raise GenerationInUse(generation_id)
    generation.state, generation.is_paused = GenerationState.RETIRED, False
    generation.promoted_at = None
    return generation


def delete_vectors(session: Session, generation_id: int, limit: int) -> int:
    """Delete at most ``limit`` vectors of a generation that was given up, and return how many."""
    some = select(Embedding.id).where(Embedding.generation_id == generation_id).limit(limit)
    deleted = session.execute(
        delete(Embedding).where(Embedding.id.in_(some.scalar_subquery())),
        execution_options={"synchronize_session": False},
    )
    return deleted.rowcount if isinstance(deleted, CursorResult) else 0


def forget(session: Session, generation_id: int) -> None:
    """Begin another history of a generation without vectors, and delete the clips that only it had.

    Whoever still follows the former history reads all of it anew: nothing.
    """
    unsynchronized = {"synchronize_session": False}
    has_vectors = exists().where(Embedding.clip_id == Clip.id)
    session.execute(delete(Clip).where(~has_vectors), execution_options=unsynchronized)
    session.execute(
        delete(Tombstone).where(Tombstone.generation_id == generation_id), execution_options=unsynchronized
    )
    session.execute(
        update(Generation).where(Generation.id == generation_id).values(revision=0, history_id=new_id()),
        execution_options=unsynchronized,
    )
