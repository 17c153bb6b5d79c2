"""The rows themselves: a database that is damaged, words that are not found, vectors that are none."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from sqlalchemy import exists, func, select, text, update
from sqlalchemy.exc import DatabaseError

from indexer.catalog import vector_codec
from indexer.catalog.states import GenerationState, VideoState
from indexer.catalog.tables import Clip, Embedding, Generation, Job, Tombstone, Video
from indexer.doctor.finding import Finding, FindingCode
from indexer.doctor.queueing import INDEX_ANEW, index_anew
from indexer.library import Library

RESTORE = "stop everything, keep a copy of the database, and restore the last backup"

ROWS_AT_ONCE = 10_000

LENGTH_TOLERANCE = 0.01
"""Vectors are unit vectors stored as halves, which are off by a thousandth."""


def examine_database(library: Library, *, is_deep: bool) -> Iterator[Finding]:
    """Yield what SQLite finds wrong with its file; Postgres looks after its own."""
    if not library.database.is_sqlite:
        return
    check = "integrity_check" if is_deep else "quick_check"
    subject = str(library.database.engine.url.database)
    with library.database.reading() as session:
        try:
            found = session.scalars(text(f"PRAGMA {check}(5)")).all()
            orphans = session.execute(text("PRAGMA foreign_key_check")).all()
        except DatabaseError as error:
            found, orphans = [str(error.orig)], []
    for message in found:
        if message != "ok":
            yield Finding(FindingCode.DATABASE_DAMAGED, subject, f"SQLite says: {message}", RESTORE)
    for table, row_id, parent, _ in orphans[:5]:
        message = f"row {row_id} of {table} belongs to a row of {parent} that is not there"
        yield Finding(FindingCode.DATABASE_DAMAGED, subject, message, RESTORE)


def examine_words(library: Library) -> Iterator[Finding]:
    """Yield a full text index that does not say what the cues say; that of Postgres is kept by Postgres."""
    if not library.database.is_sqlite:
        return
    try:
        with library.database.writing() as session:
            session.execute(text("INSERT INTO cue_words(cue_words, rank) VALUES ('integrity-check', 1)"))
    except DatabaseError:
        yield Finding(
            FindingCode.WORDS_DAMAGED,
            "cue_words",
            "the index of the words said differs from the subtitles that are stored",
            "build it anew, which --repair does",
            partial(_rebuild_words, library),
        )


def examine_revisions(library: Library) -> Iterator[Finding]:
    """Yield generations with rows of a revision that is still to come: no follower would see them."""
    with library.database.reading() as session:
        for generation in session.scalars(select(Generation).order_by(Generation.id)):
            highest = max(
                session.scalar(
                    select(func.coalesce(func.max(kind.revision), 0)).where(
                        kind.generation_id == generation.id
                    )
                )
                or 0
                for kind in (Embedding, Tombstone)
            )
            if highest > generation.revision:
                yield Finding(
                    FindingCode.REVISION_BEHIND,
                    f"generation {generation.id}",
                    f"it is at revision {generation.revision}, and has rows of revision {highest}",
                    "raise it, which --repair does",
                    partial(_raise_revision, library, generation.id, highest),
                )


def examine_vectors(library: Library, *, is_deep: bool) -> Iterator[Finding]:
    """Yield videos with vectors of a wrong size (if deep, also such as are no unit vectors)."""
    with library.database.reading() as session:
        generations = session.scalars(
            select(Generation).where(Generation.state != GenerationState.RETIRED).order_by(Generation.id)
        ).all()
    for generation in generations:
        clip_ids = _wrongly_sized(library, generation)
        if is_deep:
            clip_ids |= _not_unit(library, generation)
        generation_id = None if generation.state is GenerationState.SERVING else generation.id
        yield from _of_videos(library, clip_ids, generation_id)


def examine_clips(library: Library) -> Iterator[Finding]:
    """Yield videos that are ready and have no clip: nothing would ever find them."""
    has_clip, has_job = exists().where(Clip.video_id == Video.id), exists().where(Job.video_id == Video.id)
    with library.database.reading() as session:
        rows = session.execute(
            select(Video.id, Video.filename).where(Video.state == VideoState.READY, ~has_clip, has_job)
        ).all()
    for video_id, filename in rows:
        yield Finding(
            FindingCode.CLIPS_MISSING,
            video_id,
            f"{filename!r} is ready, and has no clip",
            INDEX_ANEW,
            index_anew(library, video_id),
        )


def _wrongly_sized(library: Library, generation: Generation) -> set[str]:
    size_bytes = generation.dimension * np.dtype(vector_codec.STORED_DTYPE).itemsize
    is_wrong = (Embedding.generation_id == generation.id, func.length(Embedding.vector) != size_bytes)
    with library.database.reading() as session:
        return set(session.scalars(select(Embedding.clip_id).where(*is_wrong)))


def _not_unit(library: Library, generation: Generation) -> set[str]:
    size_bytes = generation.dimension * np.dtype(vector_codec.STORED_DTYPE).itemsize
    is_read = (Embedding.generation_id == generation.id, func.length(Embedding.vector) == size_bytes)
    found: set[str] = set()
    with library.database.reading() as session:
        rows = session.execute(
            select(Embedding.clip_id, Embedding.vector)
            .where(*is_read)
            .execution_options(yield_per=ROWS_AT_ONCE)
        )
        for part in rows.partitions():
            clip_ids, packed = zip(*part, strict=True)
            vectors = vector_codec.stack(packed, generation.dimension).astype(np.float32)
            is_unit = np.abs(np.linalg.norm(vectors, axis=1) - 1) < LENGTH_TOLERANCE  # False for NaN
            found.update(np.array(clip_ids)[~is_unit].tolist())
    return found


def _of_videos(library: Library, clip_ids: set[str], generation_id: int | None) -> Iterator[Finding]:
    with library.database.reading() as session:
        video_ids = {
            video_id
            for clip_id in sorted(clip_ids)
            if (video_id := session.scalar(select(Clip.video_id).where(Clip.id == clip_id)))
        }
    for video_id in sorted(video_ids):
        yield Finding(
            FindingCode.VECTORS_DAMAGED,
            video_id,
            "vectors of this video are damaged",
            INDEX_ANEW,
            index_anew(library, video_id, generation_id),
        )


def _rebuild_words(library: Library) -> str:
    with library.database.writing() as session:
        session.execute(text("INSERT INTO cue_words(cue_words) VALUES ('rebuild')"))
    return "built it anew"


def _raise_revision(library: Library, generation_id: int, revision: int) -> str:
    with library.database.writing() as session:
        session.execute(
            update(Generation)
            .where(Generation.id == generation_id, Generation.revision < revision)
            .values(revision=revision)
        )
    return f"raised it to {revision}"
