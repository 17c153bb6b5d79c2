"""Clips: stored whole, stamped with the revision, replaced without mixing, found by id and by filter."""

import numpy as np
import pytest
from sqlalchemy import func, select

from indexer.catalog import clips, generations, vector_codec
from indexer.catalog.session import Database
from indexer.catalog.states import EmbeddingKind
from indexer.catalog.tables import Clip, Embedding, Generation, Tombstone, Video
from tests.factories import make_encoder_settings, make_generation, make_new_clip, make_video, store_video


@pytest.fixture
def generation(database: Database) -> Generation:
    with database.writing() as session:
        return generations.ensure(session, make_encoder_settings())


def clip_vector_ids(database: Database, generation: Generation) -> list[int]:
    with database.reading() as session:
        ids: list[int] = generations.changes_since(session, generation.id, 0).added_ids.tolist()
    return ids


def test_a_stored_clip_has_its_own_vector_and_those_of_its_equal_parts(
    database: Database, generation: Generation
) -> None:
    new = make_new_clip(1, start_s=6.0, segments=4)
    with database.writing() as session:
        video = store_video(session, generation, new)

    with database.reading() as session:
        (row,) = session.get_one(Video, video.id).clips
        (vector,) = session.scalars(select(Embedding).where(Embedding.kind == EmbeddingKind.CLIP))
        segments = clips.segments_of(session, [row.id], generation.id)
    assert (row.ordinal, row.start_s, row.end_s, row.thumbnail_key) == (0, 6.0, 10.0, new.thumbnail_key)
    assert (vector.clip_id, vector.start_s, vector.end_s, vector.revision) == (row.id, 6.0, 10.0, 1)
    assert segments.clip_ids == (row.id,) * 4
    assert segments.starts_s == (6.0, 7.0, 8.0, 9.0)
    assert segments.ends_s == (7.0, 8.0, 9.0, 10.0)
    unpacked = vector_codec.unpack(segments.vectors, 8)
    assert np.allclose(unpacked, new.segments, atol=1e-3)


def test_storing_the_same_moments_again_keeps_the_clips_and_replaces_their_vectors(
    database: Database, generation: Generation
) -> None:
    with database.writing() as session:
        video = store_video(session, generation, make_new_clip(1), make_new_clip(2, start_s=4.0))
    before = clip_vector_ids(database, generation)

    with database.writing() as session:
        new = [make_new_clip(1), make_new_clip(2, start_s=4.0)]
        clips.store(session, video=video, generation=generation, clips=new)

    after = clip_vector_ids(database, generation)
    with database.reading() as session:
        tombstones = sorted(session.scalars(select(Tombstone.embedding_id)))
        assert session.scalar(select(func.count()).select_from(Clip)) == 2
    assert tombstones == before
    assert len(after) == 2
    assert not set(before) & set(after)


def test_another_generation_keeps_its_vectors_beside_the_new_ones(
    database: Database, generation: Generation
) -> None:
    with database.writing() as session:
        video = store_video(session, generation, make_new_clip(1))
        other = make_generation()
        session.add(other)
        session.flush()
        clips.store(session, video=video, generation=other, clips=[make_new_clip(1)])

    assert len(clip_vector_ids(database, generation)) == len(clip_vector_ids(database, other)) == 1
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Tombstone)) == 0


def test_other_moments_replace_all_there_was(database: Database, generation: Generation) -> None:
    with database.writing() as session:
        video = store_video(session, generation, make_new_clip(1), make_new_clip(2, start_s=4.0))
        clips.store(session, video=video, generation=generation, clips=[make_new_clip(3, start_s=2.0)])

    with database.reading() as session:
        stored = session.scalars(select(Clip)).all()
        assert [(clip.start_s, clip.ordinal) for clip in stored] == [(2.0, 0)]
        assert session.scalar(select(func.count()).select_from(Tombstone)) == 2
    assert len(clip_vector_ids(database, generation)) == 1


def test_a_generation_that_cuts_elsewhere_leaves_the_clips_of_another_one_as_they_are(
    database: Database, generation: Generation
) -> None:
    first, second = make_new_clip(1), make_new_clip(1, start_s=4.0)
    with database.writing() as session:
        video = store_video(session, generation, first, second)
        other = make_generation()
        session.add(other)
        session.flush()
        ids = session.scalars(select(Clip.id).order_by(Clip.ordinal)).all()
        clips.store(session, video=video, generation=other, clips=[first, make_new_clip(1, start_s=2.0)])

    assert len(clip_vector_ids(database, generation)) == len(clip_vector_ids(database, other)) == 2
    with database.reading() as session:
        stored = session.scalars(select(Clip).order_by(Clip.ordinal)).all()
        assert [(clip.ordinal, clip.start_s) for clip in stored] == [(0, 0.0), (1, 2.0), (2, 4.0)]
        assert [stored[0].id, stored[2].id] == ids
        assert session.scalar(select(func.count()).select_from(Tombstone)) == 0

    with database.writing() as session:
        clips.store(session, video=video, generation=other, clips=[first, second])

    with database.reading() as session:
        assert session.scalars(select(Clip.id).order_by(Clip.ordinal)).all() == ids


@pytest.mark.parametrize("dimension", [7, 9])
def test_vectors_of_another_dimension_are_refused(
    database: Database, generation: Generation, dimension: int
) -> None:
    wrong = make_new_clip(1, dimension=dimension)
    message = rf"shape \({dimension},\).* has 8 dimensions"
    with pytest.raises(ValueError, match=message), database.writing() as session:
        store_video(session, generation, wrong)


def test_vectors_tell_their_clips_and_clips_their_vectors_and_unknown_ones_are_left_out(
    database: Database, generation: Generation
) -> None:
    with database.writing() as session:
        store_video(session, generation, make_new_clip(1))
        store_video(session, generation, make_new_clip(2))
    one, two = clip_vector_ids(database, generation)

    with database.reading() as session:
        changes = generations.changes_since(session, generation.id, 0)
        clip_ids = dict(zip(changes.added_ids.tolist(), changes.added_clip_ids, strict=True))
        assert set(clip_ids) == {one, two}
        found = clips.vector_ids(session, [clip_ids[two], "f" * 32], generation.id)
        assert found.tolist() == [two]
        assert clips.vector_ids(session, [clip_ids[two]], generation.id + 1).tolist() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_more_ids_may_be_asked_for_than_one_statement_takes(
    database: Database, generation: Generation
) -> None:
    with database.writing() as session:
        store_video(session, generation, make_new_clip(1))
    with database.reading() as session:
        (clip,) = session.scalars(select(Clip))
        asked = [*(f"{number:032x}" for number in range(33_000)), clip.id]
        assert len(clips.vector_ids(session, asked, generation.id)) == 1


def test_videos_without_clips_are_not_in_the_counts(database: Database, generation: Generation) -> None:
    with database.writing() as session:
        video = store_video(session, generation, make_new_clip(1), make_new_clip(2, start_s=4.0))
        empty = make_video()
        session.add(empty)

    with database.reading() as session:
        assert clips.counts(session, [video.id, empty.id]) == {video.id: 2}
