"""Clips and their vectors: storing, replacing, finding and filtering them. Functions never commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, bindparam, func, insert, literal, select, update
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm import Session

from indexer.catalog import generations, vector_codec
from indexer.catalog.chunking import in_chunks
from indexer.catalog.states import EmbeddingKind
from indexer.catalog.tables import Clip, Embedding, Generation, Tombstone, Video

# Said once: a search runs these, and making a statement takes half as long as running it. They are run on the
# connection: a session would first look for what it does for objects, for as long again.
SEGMENTS_OF_CLIPS = (
    select(Embedding.clip_id, Embedding.start_s, Embedding.end_s, Embedding.vector)
    .where(
        Embedding.clip_id.in_(bindparam("ids", expanding=True)),
        Embedding.generation_id == bindparam("generation"),
        Embedding.kind == EmbeddingKind.SEGMENT,
    )
    .order_by(Embedding.clip_id, Embedding.ordinal)
)


@dataclass(frozen=True)
class NewClip:
    """A moment of a video with its vectors, to be stored."""

    start_s: float
    end_s: float
    thumbnail_key: str
    vector: NDArray[np.float32]  # (D,) unit
    segments: NDArray[np.float32]  # (S, D) unit, of equal parts of the clip in time order


def store(session: Session, *, video: Video, generation: Generation, clips: Sequence[NewClip]) -> None:
    """Make ``clips`` the clips of ``video`` in ``generation``, stamped with its next revision.

    Clips already stored at the same times keep their ids, and other generations keep theirs where these cut
    elsewhere; a clip that no generation has vectors of any more goes. End the job in the same transaction,
    before this: rows are locked in the order job, video, generation. Raises LookupError when the video was
    deleted meanwhile, ValueError for a vector that is not a unit vector of the generation's dimension.
    """
    _check_dimension(generation, clips)
    if session.scalar(select(Video.id).where(Video.id == video.id).with_for_update()) is None:
        raise LookupError(f"video {video.id} was deleted while it was indexed: nothing was stored")
    stored = _stored_rows(session, video.id)
    rows = _rows_of(session, video.id, stored, clips)
    _delete_vectors(session, video.id, generation.id)
    revision = generations.next_revision(session, generation.id)
    stamp = {"generation_id": generation.id, "revision": revision}
    values = [
        {**stamp, **value} for row, clip in zip(rows, clips, strict=True) for value in _vectors_of(row, clip)
    ]
    if values:
        session.execute(insert(Embedding), values)
    if stored and rows != stored:
        for row in {*stored, *rows}:
            session.expunge(row)  # what follows passes them by
        _delete_abandoned(session, video.id)
        _number_in_time_order(session, video.id)


def delete_of(session: Session, video_id: str) -> None:
    """Delete the clips of a video and their vectors, which leaves a tombstone for each clip vector."""
    generation_ids = session.scalars(
        select(Embedding.generation_id)
        .join(Clip)
        .where(Clip.video_id == video_id)
        .distinct()
        .order_by(Embedding.generation_id)
    ).all()
    for generation_id in generation_ids:
        _delete_vectors(session, video_id, generation_id)
    session.execute(delete_rows(Clip).where(Clip.video_id == video_id))


def get(session: Session, clip_id: str) -> Clip | None:
    """Return a clip, or None."""
    return session.get(Clip, clip_id)


def vector_ids(session: Session, clip_ids: Sequence[str], generation_id: int) -> NDArray[np.int64]:
    """Return the ids of the clip vectors (N,) of those clips that have one in a generation."""
    found: list[int] = []
    for chunk in in_chunks(clip_ids):
        where = generations.is_clip_vector(generation_id), Embedding.clip_id.in_(chunk)
        found += session.scalars(select(Embedding.id).where(*where))
    return np.array(found, np.int64)


class Segments(NamedTuple):
    """The equal parts of some clips, as columns: those of a clip side by side, in time order."""

    clip_ids: tuple[str, ...]
    starts_s: tuple[float, ...]
    ends_s: tuple[float, ...]
    vectors: tuple[bytes, ...]
    """``vector_codec.unpack`` reads them."""


def segments_of(session: Session, clip_ids: Sequence[str], generation_id: int) -> Segments:
    """Return the segments of clips."""
    rows: list[Row[str, float, float, bytes]] = []
    for chunk in in_chunks(clip_ids):
        parameters = {"ids": chunk, "generation": generation_id}
        rows += session.connection().execute(SEGMENTS_OF_CLIPS, parameters).all()
    return Segments(*zip(*rows, strict=True)) if rows else Segments((), (), (), ())


def counts(session: Session, video_ids: Sequence[str]) -> dict[str, int]:
    """Return the number of clips of each video that has any."""
    found: dict[str, int] = {}
    for chunk in in_chunks(video_ids):
        rows = session.execute(
            select(Clip.video_id, func.count()).where(Clip.video_id.in_(chunk)).group_by(Clip.video_id)
        )
        found.update((video_id, count) for video_id, count in rows)
    return found


def first_of(session: Session, video_ids: Sequence[str]) -> dict[str, str]:
    """Return the id of the first clip of each video that has any."""
    found: dict[str, str] = {}
    for chunk in in_chunks(video_ids):
        rows = session.execute(
            select(Clip.video_id, Clip.id).where(Clip.video_id.in_(chunk), Clip.ordinal == 0)
        )
        found.update((video_id, clip_id) for video_id, clip_id in rows)
    return found


def count_vectors(session: Session, video_id: str) -> int:
    """Return how many vectors a video has, of clips and segments in all generations."""
    of_video = select(func.count(Embedding.id)).join(Clip).where(Clip.video_id == video_id)
    return session.scalar(of_video) or 0


def _check_dimension(generation: Generation, clips: Sequence[NewClip]) -> None:
    for clip in clips:
        if clip.vector.shape != (generation.dimension,) or clip.segments.shape[1:] != (generation.dimension,):
            raise ValueError(
                f"the clip at {clip.start_s} s has vectors of shape {clip.vector.shape} and "
                f"{clip.segments.shape}, generation {generation.id} has {generation.dimension} dimensions: "
                "use the encoders that the generation was made for"
            )


def _stored_rows(session: Session, video_id: str) -> list[Clip]:
    return list(session.scalars(select(Clip).where(Clip.video_id == video_id).order_by(Clip.ordinal)))


def _rows_of(session: Session, video_id: str, stored: Sequence[Clip], clips: Sequence[NewClip]) -> list[Clip]:
    """Return the row of each clip: the stored one of the same moment, else a new one behind those."""
    known = {(row.start_s, row.end_s, row.thumbnail_key): row for row in stored}
    rows, added = [], len(stored)
    for clip in clips:
        row = known.get((clip.start_s, clip.end_s, clip.thumbnail_key))
        if row is None:
            row = Clip(
                video_id=video_id,
                ordinal=added,
                start_s=clip.start_s,
                end_s=clip.end_s,
                thumbnail_key=clip.thumbnail_key,
            )
            session.add(row)
            added += 1
        rows.append(row)
    session.flush()
    return rows


def _delete_abandoned(session: Session, video_id: str) -> None:
    """Delete the clips of a video that no generation has vectors of."""
    has_vectors = select(Embedding.id).where(Embedding.clip_id == Clip.id).exists()
    session.execute(
        delete_rows(Clip).where(Clip.video_id == video_id, ~has_vectors),
        execution_options={"synchronize_session": False},
    )


def _number_in_time_order(session: Session, video_id: str) -> None:
    """Number the clips of a video from 0, whatever generations they are of."""
    ids = session.scalars(
        select(Clip.id).where(Clip.video_id == video_id).order_by(Clip.start_s, Clip.end_s, Clip.id)
    ).all()
    unsynchronized = {"synchronize_session": False}
    aside = update(Clip).where(Clip.video_id == video_id).values(ordinal=-1 - Clip.ordinal)  # no two alike
    session.execute(aside, execution_options=unsynchronized)
    numbered = update(Clip).where(Clip.id == bindparam("clip")).values(ordinal=bindparam("number"))
    session.connection().execute(
        numbered, [{"clip": clip_id, "number": number} for number, clip_id in enumerate(ids)]
    )


def _delete_vectors(session: Session, video_id: str, generation_id: int) -> None:
    of_video = (
        Embedding.generation_id == generation_id,
        Embedding.clip_id.in_(select(Clip.id).where(Clip.video_id == video_id)),
    )
    if session.scalar(select(Embedding.id).where(*of_video).limit(1)) is None:
        return
    revision = generations.next_revision(session, generation_id)
    deleted = select(Embedding.id, Embedding.generation_id, literal(revision))
    session.execute(
        insert(Tombstone).from_select(
            ["embedding_id", "generation_id", "revision"],
            deleted.where(*of_video, Embedding.kind == EmbeddingKind.CLIP),
        )
    )
    session.execute(delete_rows(Embedding).where(*of_video), execution_options={"synchronize_session": False})


def _vectors_of(row: Clip, clip: NewClip) -> list[dict[str, object]]:
    """Return the values of a clip's rows: its own vector, then one for each of its equal parts."""
    edges = np.linspace(clip.start_s, clip.end_s, len(clip.segments) + 1).tolist()
    kinds = [EmbeddingKind.CLIP] + [EmbeddingKind.SEGMENT] * len(clip.segments)
    packed = vector_codec.pack(np.concatenate([clip.vector[None], clip.segments]))
    spans = [(0, clip.start_s, clip.end_s)] + [(n, *span) for n, span in enumerate(pairwise(edges))]
    return [
        {
            "clip_id": row.id,
            "kind": kind,
            "ordinal": ordinal,
            "start_s": start_s,
            "end_s": end_s,
            "vector": vector,
        }
        for kind, (ordinal, start_s, end_s), vector in zip(kinds, spans, packed, strict=True)
    ]
