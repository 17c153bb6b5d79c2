"""Generations: one encoder setting's vectors, their revision, and what changed since a revision."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Row, and_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from indexer.catalog import vector_codec
from indexer.catalog.columns import now
from indexer.catalog.states import EmbeddingKind, GenerationState
from indexer.catalog.tables import Clip, Embedding, Generation, Tombstone
from indexer.errors import GenerationRetired

if TYPE_CHECKING:
    from model.factory import EncoderSettings

AUTO = "auto"
"""The reduction that is left to the model."""


@dataclass(frozen=True)
class Changes:
    """What happened to the clip vectors of a generation up to and including ``revision``."""

    added_ids: NDArray[np.int64]  # (N,)
    added_vectors: NDArray[np.float16]  # (N, D) as stored: ``vector_codec.unit`` makes them unit vectors
    added_video_ids: list[str]  # N
    added_clip_ids: list[str]  # N
    added_start_s: NDArray[np.float64]  # (N,) of the clips
    added_end_s: NDArray[np.float64]  # (N,)
    removed_ids: NDArray[np.int64]  # (M,)
    position: "Position"


class Position(NamedTuple):
    """A moment of a generation: how many changes it has seen, and in which history."""

    history_id: str
    revision: int


def ensure(session: Session, settings: "EncoderSettings") -> Generation:
    """Return the generation of ``settings``, made if missing, and let it be the one that serves."""
    generation = find_or_make(session, settings, GenerationState.SERVING)
    if generation.state is not GenerationState.SERVING or generation.promoted_at is None:
        let_serve(session, generation.id)
    return generation


def let_serve(session: Session, generation_id: int) -> None:
    """Let a generation be the only one that serves, however many processes do so at once."""
    for generation in lock_all(session):
        if generation.id == generation_id:
            generation.state, generation.is_paused = GenerationState.SERVING, False
            generation.promoted_at = now()
        elif generation.state is GenerationState.SERVING:
            generation.state = GenerationState.RETIRED
    session.flush()


def lock_all(session: Session) -> list[Generation]:
    """Return every generation, the first one first; none changes until the commit, revisions included."""
    every = select(Generation).order_by(Generation.id).with_for_update(key_share=True)
    return list(session.scalars(every, execution_options={"populate_existing": True}))


def serving(session: Session) -> Generation | None:
    """Return the generation that answers searches; None in a library that nothing has begun yet."""
    return session.scalar(select(Generation).where(Generation.state == GenerationState.SERVING))


def is_serving(session: Session, generation_id: int) -> bool:
    """Return whether a generation answers searches."""
    state = select(Generation.state).where(Generation.id == generation_id)
    return session.scalar(state) is GenerationState.SERVING


def has_vectors(session: Session, generation_id: int) -> bool:
    """Return whether a generation has read anything."""
    any_of_it = select(Embedding.id).where(Embedding.generation_id == generation_id)
    return session.scalar(any_of_it.limit(1)) is not None


def require_not_retired(session: Session, generation_id: int) -> None:
    """Raise GenerationRetired for a generation whose vectors were deleted as another one serves."""
    generation = session.get(Generation, generation_id)
    is_retired = generation is not None and generation.state is GenerationState.RETIRED
    if is_retired and not has_vectors(session, generation_id):
        raise GenerationRetired(generation_id)


def get(session: Session, generation_id: int) -> Generation:
    """Return a generation; raises LookupError when there is none of that id."""
    generation = session.get(Generation, generation_id)
    if generation is None:
        raise LookupError(f"there is no generation {generation_id}: call generations.ensure first")
    return generation


def list_all(session: Session) -> list[Generation]:
    """Return every generation, the first one first."""
    return list(session.scalars(select(Generation).order_by(Generation.id)))


def is_named(generation: Generation, preset: str, reduction: str) -> bool:
    """Return whether a generation is of the model and reduction that settings name.

    It is told by the names alone: a model that was retrained in its place is not noticed. A reduction may be
    named without its proportions.
    """
    name, known = reduction.strip().lower(), str(generation.settings.get("reduction", "")).lower()
    return generation.preset == preset and (name in {AUTO, known} or known.startswith(f"{name}:"))


def current_revision(session: Session, generation_id: int) -> int:
    """Return the revision of the last committed change; raises LookupError for an unknown generation."""
    revision = session.scalar(select(Generation.revision).where(Generation.id == generation_id))
    if revision is None:
        raise LookupError(f"there is no generation {generation_id}: call generations.ensure first")
    return revision


def current_position(session: Session, generation_id: int) -> Position:
    """Return history and revision of the last committed change; raises LookupError, as ``get``."""
    row = session.execute(
        select(Generation.history_id, Generation.revision).where(Generation.id == generation_id)
    ).one_or_none()
    if row is None:
        raise LookupError(f"there is no generation {generation_id}: call generations.ensure first")
    return Position(*row)


def next_revision(session: Session, generation_id: int) -> int:
    """Take the next revision; its row stays locked until the commit, so commits come in revision order."""
    revision: int | None = session.scalar(
        update(Generation)
        .where(Generation.id == generation_id)
        .values(revision=Generation.revision + 1)
        .returning(Generation.revision),
        execution_options={"synchronize_session": False},
    )
    if revision is None:
        raise LookupError(f"there is no generation {generation_id}: call generations.ensure first")
    return revision


def changes_since(session: Session, generation_id: int, revision: int) -> Changes:
    """Return which clip vectors came and went after ``revision``; raises LookupError, as ``get``."""
    generation = get(session, generation_id)
    position = current_position(session, generation_id)
    current = position.revision
    rows = _added(session, generation_id, revision, current)
    ids, packed, video_ids, clip_ids, start_s, end_s = zip(*rows, strict=True) if rows else ((),) * 6
    removed = session.scalars(
        select(Tombstone.embedding_id).where(
            Tombstone.generation_id == generation_id,
            Tombstone.revision > revision,
            Tombstone.revision <= current,
        )
    )
    return Changes(
        added_ids=np.array(ids, dtype=np.int64),
        added_vectors=vector_codec.stack(packed, generation.dimension),
        added_video_ids=list(video_ids),
        added_clip_ids=list(clip_ids),
        added_start_s=np.array(start_s, dtype=np.float64),
        added_end_s=np.array(end_s, dtype=np.float64),
        removed_ids=np.fromiter(removed, dtype=np.int64),
        position=position,
    )


def is_clip_vector(generation_id: int) -> ColumnElement[bool]:
    """Return the condition that an embedding belongs into the index of a generation."""
    return and_(Embedding.generation_id == generation_id, Embedding.kind == EmbeddingKind.CLIP)


def _added(
    session: Session, generation_id: int, after: int, until: int
) -> Sequence[Row[int, bytes, str, str, float, float]]:
    """Return id, vector, video, clip and times of the clip vectors of revisions ``(after, until]``, by id."""
    return session.execute(
        select(Embedding.id, Embedding.vector, Clip.video_id, Clip.id, Embedding.start_s, Embedding.end_s)
        .join(Clip, Embedding.clip_id == Clip.id)
        .where(is_clip_vector(generation_id), Embedding.revision > after, Embedding.revision <= until)
        .order_by(Embedding.id)
    ).all()


def find_or_make(session: Session, settings: "EncoderSettings", state: GenerationState) -> Generation:
    """Return the generation of ``settings``, as it is but for its name, or a new one in ``state``.

    The same encoder may have another name than before: its folder was moved.
    """
    generation = _find(session, settings.fingerprint) or _create(session, settings, state)
    if generation.preset != settings.preset:
        generation.preset = settings.preset
    return generation


def _find(session: Session, fingerprint: str) -> Generation | None:
    return session.scalar(select(Generation).where(Generation.fingerprint == fingerprint))


def _create(session: Session, settings: "EncoderSettings", state: GenerationState) -> Generation:
    generation = Generation(
        fingerprint=settings.fingerprint,
        preset=settings.preset,
        settings=settings.to_json(),
        dimension=settings.dimension,
        state=state,
    )
    try:
        with session.begin_nested():
            session.add(generation)
    except IntegrityError:  # another process made it in this moment
        found = _find(session, settings.fingerprint)
        if found is None:
            raise
        return found
    return generation
