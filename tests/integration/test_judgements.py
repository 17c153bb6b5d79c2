"""Judgements in a catalog: whose they are, and what is left of them when videos are indexed again."""

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.catalog import clips, judgements, videos
from indexer.catalog.clips import NewClip
from indexer.catalog.judgements import is_same_moment, judge, judged_clips, query_key
from indexer.catalog.session import Database
from indexer.catalog.tables import Clip, Generation, Judgement, Video
from tests.factories import make_generation, make_new_clip, make_unit_vectors, store_video


def new_clip(start_s: float, end_s: float) -> NewClip:
    vectors = make_unit_vectors(1, 2)
    return NewClip(start_s, end_s, f"ab/{start_s}.jpg", vectors[0], np.stack([vectors[1]]))


@pytest.fixture
def generation(database: Database) -> Generation:
    with database.writing() as session:
        generation = make_generation()
        session.add(generation)
    return generation


@pytest.fixture
def video(database: Database, generation: Generation) -> Video:
    """Return a video with clips of four seconds at 0 and 4."""
    with database.writing() as session:
        return store_video(session, generation, make_new_clip(1), make_new_clip(2, start_s=4.0))


def clip_ids(session: Session, video: Video) -> list[str]:
    return list(session.scalars(select(Clip.id).where(Clip.video_id == video.id).order_by(Clip.ordinal)))


def cut_anew(database: Database, generation: Generation, video: Video, *spans: tuple[float, float]) -> None:
    with database.writing() as session:
        made = [new_clip(*span) for span in spans]
        clips.store(session, video=session.get_one(Video, video.id), generation=generation, clips=made)


def judge_at(database: Database, video: Video, place: int, query: str, *, is_relevant: bool) -> bool:
    """Judge the clip at ``place``, and return whether that was new."""
    with database.writing() as session:
        judged = judge(session, query, clip_ids(session, video)[place], is_relevant=is_relevant)
    assert judged is not None
    return judged[1]


def told(database: Database, query: str | None = None) -> list[tuple[str, int | None, bool]]:
    """Return query, ordinal of the clip and relevance of every judgement."""
    with database.reading() as session:
        ordinals = {clip.id: clip.ordinal for clip in session.scalars(select(Clip))}
        found = judged_clips(session, None if query is None else query_key(query))
    return [
        (one.query, None if one.clip_id is None else ordinals[one.clip_id], one.is_relevant) for one in found
    ]


def test_judging_the_same_again_replaces_it_whatever_case_and_blanks(
    database: Database, video: Video
) -> None:
    assert judge_at(database, video, 0, "a Dog", is_relevant=True)
    assert not judge_at(database, video, 0, " A  dog", is_relevant=False)
    assert judge_at(database, video, 1, "a dog", is_relevant=True)
    assert judge_at(database, video, 0, "a dog!", is_relevant=True)
    assert told(database, "A DOG") == [(" A  dog", 0, False), ("a dog", 1, True)]
    assert len(told(database)) == 3


def test_a_judgement_of_no_clip_is_none(database: Database) -> None:
    with database.writing() as session:
        assert judge(session, "a dog", "0" * 32, is_relevant=True) is None


def test_words_longer_than_an_index_takes_can_be_judged(database: Database, video: Video) -> None:
    rng = np.random.default_rng(0)
    words = " ".join(str(number) for number in rng.integers(10**9, size=900))  # does not compress
    judge_at(database, video, 0, words, is_relevant=True)
    assert told(database, words) == [(words, 0, True)]


def test_a_judgement_stands_when_the_same_clips_are_stored_again(
    database: Database, generation: Generation, video: Video
) -> None:
    judge_at(database, video, 1, "a dog", is_relevant=True)
    cut_anew(database, generation, video, (0.0, 3.0), (3.5, 8.0), (8.0, 9.0))
    assert told(database) == [("a dog", 1, True)]


def test_a_judgement_waits_without_a_clip_while_the_video_is_cut_otherwise(
    database: Database, generation: Generation, video: Video
) -> None:
    judge_at(database, video, 0, "a dog", is_relevant=True)
    cut_anew(database, generation, video, (0.0, 2.0), (2.0, 8.0))
    assert told(database) == [("a dog", None, True)]
    cut_anew(database, generation, video, (0.5, 4.5), (4.5, 8.0))
    assert told(database) == [("a dog", 0, True)]


def test_judging_the_moment_in_its_new_cut_replaces_what_was_said_of_the_old_one(
    database: Database, generation: Generation, video: Video
) -> None:
    judge_at(database, video, 0, "a dog", is_relevant=True)
    cut_anew(database, generation, video, (0.5, 4.5), (4.5, 8.0))
    assert not judge_at(database, video, 0, "a dog", is_relevant=False)
    assert told(database) == [("a dog", 0, False)]
    with database.reading() as session:
        (row,) = session.scalars(select(Judgement))
        assert (row.start_s, row.end_s) == (0.5, 4.5)


def test_two_old_spans_that_became_one_clip_count_once_as_judged_last(
    database: Database, generation: Generation, video: Video
) -> None:
    cut_anew(database, generation, video, (0.0, 5.0))
    judge_at(database, video, 0, "a dog", is_relevant=True)
    cut_anew(database, generation, video, (3.0, 8.0))
    judge_at(database, video, 0, "a dog", is_relevant=False)
    cut_anew(database, generation, video, (1.0, 7.0))
    assert told(database) == [("a dog", 0, False)]
    assert not judge_at(database, video, 0, "a dog", is_relevant=True)
    with database.reading() as session:
        assert len(session.scalars(select(Judgement)).all()) == 1


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 4), (0, 4), True),
        ((0, 10), (0, 5), False),  # half: the other half has as good a claim
        ((0, 10), (0, 5.1), True),
        ((0, 4), (4, 8), False),
        ((0, 4), (20, 24), False),
        ((0, 6), (2, 8), False),
        ((0, 6), (1, 7), True),
    ],
)
def test_spans_are_one_moment_when_they_share_more_than_half(
    one: tuple[float, float], other: tuple[float, float], expected: bool
) -> None:
    assert is_same_moment(one, other) is is_same_moment(other, one) is expected


def test_judgements_go_with_their_video(database: Database, video: Video) -> None:
    judge_at(database, video, 0, "a dog", is_relevant=True)
    with database.writing() as session:
        assert videos.delete(session, video.id)
    assert told(database) == []


def test_who_judges_the_same_at_once_replaces_what_was_said_a_moment_before(
    database: Database, video: Video
) -> None:
    with ThreadPoolExecutor(1) as thread:
        with database.writing() as session:
            (clip_id, _) = clip_ids(session, video)
            assert judge(session, "a dog", clip_id, is_relevant=True)
            is_new = thread.submit(judge_at, database, video, 0, "a dog", is_relevant=False)
            sleep(0.2)  # long enough to run into the first one, which has not committed
        assert is_new.result() is False
    assert told(database) == [("a dog", 0, False)]


def test_pages_list_every_judgement_once_the_newest_first(database: Database, video: Video) -> None:
    for number in range(5):
        judge_at(database, video, number % 2, f"query {number}", is_relevant=True)
    listed: list[Judgement] = []
    with database.reading() as session:
        while page := judgements.list_page(
            session, limit=2, after=(listed[-1].created_at, listed[-1].id) if listed else None
        ):
            listed += page
    assert [one.query for one in listed] == [f"query {number}" for number in (4, 3, 2, 1, 0)]
