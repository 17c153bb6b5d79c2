"""Generations, their revision, and what a follower must learn from it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sqlalchemy import select

from indexer.catalog import generations, vector_codec, videos
from indexer.catalog.session import Database
from indexer.catalog.states import GenerationState
from indexer.catalog.tables import Generation
from tests.factories import make_encoder_settings, make_generation, make_new_clip, store_video


def test_the_same_encoder_settings_are_one_generation(database: Database) -> None:
    settings = make_encoder_settings()

    with database.writing() as session:
        first = generations.ensure(session, settings)
    with database.writing() as session:
        second = generations.ensure(session, settings)

    assert first.id == second.id
    assert (first.dimension, first.revision, first.state) == (8, 0, GenerationState.SERVING)
    assert first.settings == settings.to_json()


def test_another_encoder_setting_serves_and_the_former_one_is_kept_for_rolling_back(
    database: Database,
) -> None:
    with database.writing() as session:
        first = generations.ensure(session, make_encoder_settings())
        second = generations.ensure(session, make_encoder_settings(architecture="other"))
    with database.writing() as session:
        back = generations.ensure(session, make_encoder_settings())

    assert back.id == first.id != second.id
    with database.reading() as session:
        states = dict(session.execute(select(Generation.id, Generation.state)).all())
    assert states == {first.id: GenerationState.SERVING, second.id: GenerationState.RETIRED}


def test_processes_that_start_at_once_make_one_generation(database: Database) -> None:
    def ensure(_: int) -> int:
        with database.writing() as session:
            return generations.ensure(session, make_encoder_settings()).id

    with ThreadPoolExecutor(4) as threads:
        ids = set(threads.map(ensure, range(4)))

    assert len(ids) == 1


def test_concurrent_writers_commit_in_the_order_of_their_revisions(database: Database) -> None:
    with database.writing() as session:
        generation = make_generation()
        session.add(generation)

    def store(seed: int) -> tuple[int, int]:
        with database.writing() as session:
            store_video(session, session.get_one(Generation, generation.id), make_new_clip(seed))
            mine = generations.current_revision(session, generation.id)
        with database.reading() as session:
            return mine, len(generations.changes_since(session, generation.id, 0).added_ids)

    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(store, range(12)))

    assert sorted(revision for revision, _ in seen) == list(range(1, 13))
    assert all(visible >= revision for revision, visible in seen)


def test_changes_hold_clip_vectors_only_as_unit_vectors_within_half_precision(database: Database) -> None:
    clip = make_new_clip(1, segments=3)
    with database.writing() as session:
        generation = make_generation()
        session.add(generation)
        store_video(session, generation, clip)

    with database.reading() as session:
        changes = generations.changes_since(session, generation.id, 0)

    assert (len(changes.added_ids), len(changes.removed_ids), changes.position.revision) == (1, 0, 1)
    vectors = vector_codec.unit(changes.added_vectors)
    assert np.allclose(vectors[0], clip.vector, atol=1e-3)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_changes_since_a_revision_leave_out_what_came_before_it(database: Database) -> None:
    with database.writing() as session:
        generation = make_generation()
        session.add(generation)
        old = store_video(session, generation, make_new_clip(1))
    with database.reading() as session:
        first = generations.changes_since(session, generation.id, 0)
    with database.writing() as session:
        store_video(
            session,
            session.get_one(Generation, generation.id),
            make_new_clip(2),
            make_new_clip(3, start_s=4.0),
        )
        videos.delete(session, old.id)

    with database.reading() as session:
        second = generations.changes_since(session, generation.id, first.position.revision)
        third = generations.changes_since(session, generation.id, second.position.revision)

    assert second.removed_ids.tolist() == first.added_ids.tolist()
    assert len(second.added_ids) == 2
    assert not set(second.added_ids) & set(first.added_ids)
    assert (len(third.added_ids), len(third.removed_ids)) == (0, 0)
    assert third.added_vectors.shape == (0, 8)


def test_the_id_of_a_deleted_vector_is_never_given_again(database: Database) -> None:
    with database.writing() as session:
        generation = make_generation()
        session.add(generation)
        video = store_video(session, generation, make_new_clip(1))
        first = generations.changes_since(session, generation.id, 0).added_ids
        videos.delete(session, video.id)
    with database.writing() as session:
        store_video(session, session.get_one(Generation, generation.id), make_new_clip(2))
        second = generations.changes_since(session, generation.id, 0).added_ids

    assert second.min() > first.max()


@pytest.mark.parametrize("ask", [generations.current_revision, generations.next_revision, generations.get])
def test_an_unknown_generation_is_named(database: Database, ask: object) -> None:
    with pytest.raises(LookupError, match="no generation 77"), database.writing() as session:
        ask(session, 77)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("preset", "reduction", "is_it"),
    [
        ("tiny", "auto", True),
        ("tiny", "centerclip", True),
        ("tiny", "CenterCLIP:B4-4,49", True),
        ("tiny", "centerclip:B6-4,49", False),
        ("tiny", "none", False),
        ("fast", "auto", False),
    ],
)
def test_a_generation_is_told_by_the_names_of_its_model_and_reduction(
    preset: str, reduction: str, is_it: bool
) -> None:
    generation = make_generation(preset="tiny", settings={"reduction": "centerclip:B4-4,49"})
    assert generations.is_named(generation, preset, reduction) is is_it


def test_a_model_under_another_name_is_the_same_generation_which_takes_the_name(database: Database) -> None:
    with database.writing() as session:
        first = generations.ensure(session, make_encoder_settings(preset="/models/old-place"))
        second = generations.ensure(session, make_encoder_settings(preset="/models/new-place"))
    with database.reading() as session:
        (only,) = generations.list_all(session)
    assert first.id == second.id
    assert only.preset == "/models/new-place"
