"""What becomes of generations, on both databases: one serves at a time, and a retired one leaves nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from indexer.catalog import clips, generation_states, generations, jobs, recent_queries
from indexer.catalog.columns import now
from indexer.catalog.generation_states import Scope
from indexer.catalog.session import Database
from indexer.catalog.states import GenerationState, VideoState
from indexer.catalog.tables import Clip, Embedding, Generation, Job, Tombstone, Video
from tests.factories import make_encoder_settings, make_new_clip, store_video


@pytest.fixture
def numbers(database: Database) -> list[int]:
    """Return the generation that serves and two others, all of which have read one video."""
    with database.writing() as session:
        serving = generations.ensure(session, make_encoder_settings())
        others = [
            generation_states.start_building(session, make_encoder_settings(architecture=name))
            for name in ("second", "third")
        ]
        video = store_video(session, serving, make_new_clip(1), state=VideoState.READY)
        for other in others:
            clips.store(session, video=video, generation=other, clips=[make_new_clip(1)])
        return [serving.id, *(other.id for other in others)]


def test_of_promotions_at_once_one_comes_last_and_only_that_generation_serves(
    database: Database, numbers: list[int]
) -> None:
    def promote(number: int) -> None:
        with database.writing() as session:
            generation_states.promote(session, number)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(promote, numbers * 3))

    with database.reading() as session:
        states = session.scalars(select(Generation.state)).all()
        serving = generations.serving(session)
    assert states.count(GenerationState.SERVING) == 1
    assert serving is not None


def test_a_video_that_failed_before_is_ready_once_a_generation_that_has_read_it_serves(
    database: Database, numbers: list[int]
) -> None:
    with database.writing() as session:
        video = session.scalars(select(Video)).one()
        video.state, video.error_code, video.error_message = VideoState.FAILED, "no-frames", "why"
    with database.writing() as session:
        generation_states.promote(session, numbers[1])
    with database.reading() as session:
        video = session.scalars(select(Video)).one()
        assert (video.state, video.error_code) == (VideoState.READY, None)
        assert generation_states.previous(session).id == numbers[0]


def test_a_new_job_comes_with_one_for_each_generation_that_is_built(
    database: Database, numbers: list[int]
) -> None:
    with database.writing() as session:
        late = store_video(session, session.get_one(Generation, numbers[0]))
        first = jobs.enqueue(session, late.id)
        assert jobs.enqueue(session, late.id).id == first.id
    with database.reading() as session:
        made = session.execute(select(Job.generation_id, Job.priority).order_by(Job.priority.desc())).all()
    assert {tuple(one) for one in made} == {(None, 0), (numbers[1], -10), (numbers[2], -10)}
    with database.writing() as session:
        assert generation_states.enqueue_missing(session, numbers[1], Scope(), "", 10) == []


def test_a_generation_that_was_given_up_and_forgotten_leaves_nothing_and_begins_anew(
    database: Database, numbers: list[int]
) -> None:
    with database.writing() as session:
        video = session.scalars(select(Video)).one()
        third = session.get_one(Generation, numbers[2])
        clips.store(session, video=video, generation=third, clips=[make_new_clip(1, start_s=2.0)])
        assert session.scalar(select(func.count()).select_from(Clip)) == 2
        before = generations.current_position(session, numbers[2])
    with database.writing() as session:
        generation_states.give_up(session, numbers[2])
        while generation_states.delete_vectors(session, numbers[2], 2):
            pass
        generation_states.forget(session, numbers[2])
    with database.reading() as session:
        left = select(func.count()).select_from(Embedding)
        assert session.scalar(left.where(Embedding.generation_id == numbers[2])) == 0
        assert session.scalar(left.where(Embedding.generation_id == numbers[0])) == 3
        assert session.scalar(select(func.count()).select_from(Clip)) == 1
        assert session.scalars(select(Tombstone).where(Tombstone.generation_id == numbers[2])).all() == []
        after = generations.current_position(session, numbers[2])
    assert (before.revision, after.revision) == (3, 0)
    assert before.history_id != after.history_id  # whoever follows it reads nothing, and all of nothing


def test_the_latest_queries_are_kept_each_once(database: Database) -> None:
    start = now()
    for number, text in enumerate(["a cat", "a dog", "A  cat", "a bird"]):
        with database.writing() as session:
            recent_queries.remember(session, {text: start + timedelta(seconds=number)}, keep=2)
    with database.reading() as session:
        assert recent_queries.latest(session, 10) == ["a bird", "A  cat"]
