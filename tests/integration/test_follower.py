"""The index in memory always answers for the catalog as it is, on both databases."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlalchemy import event, select, update

from indexer.catalog import generations, vector_codec, videos
from indexer.catalog.clip_filters import ClipFilters, video_ids_where
from indexer.catalog.session import Database
from indexer.catalog.states import EmbeddingKind
from indexer.catalog.tables import Clip, Embedding, Generation, Video
from indexer.vector_index.base import Hit
from indexer.vector_index.follower import IndexFollower
from tests.factories import make_generation, make_new_clip, make_unit_vectors, store_video

DIMENSION = 8
COLLECTIONS = (None, "pets", "trips")


@pytest.fixture
def generation(database: Database) -> Generation:
    return add_generation(database)


def add_generation(database: Database) -> Generation:
    with database.writing() as session:
        generation = make_generation(dimension=DIMENSION)
        session.add(generation)
    return generation


def follow(database: Database, generation: Generation, folder: Path) -> IndexFollower:
    return IndexFollower(
        database, generation.id, generation.fingerprint, DIMENSION, folder / f"{generation.id}.snapshot"
    )


def add_video(database: Database, generation: Generation, *seeds: int, collection: str | None = None) -> str:
    clips = [make_new_clip(seed, start_s=4.0 * place) for place, seed in enumerate(seeds)]
    with database.writing() as session:
        return store_video(session, generation, *clips, collection=collection).id


def delete_video(database: Database, video_id: str) -> None:
    with database.writing() as session:
        videos.delete(session, video_id)


def search(follower: IndexFollower, query: NDArray[np.float32], limit: int) -> tuple[list[list[Hit]], int]:
    """Return the best hits of all clips, and the revision they are of."""
    with follower.reading() as view:
        return view.search(query, limit), view.revision


def brute_force(
    database: Database, generation: Generation, query: NDArray[np.float32], collection: str | None
) -> list[tuple[int, float]]:
    """Return all (embedding id, cosine) of the catalog, best first."""
    statement = select(Embedding.id, Embedding.vector).join(Clip).join(Video)
    statement = statement.where(
        Embedding.generation_id == generation.id, Embedding.kind == EmbeddingKind.CLIP
    )
    if collection is not None:
        statement = statement.where(Video.collection == collection)
    with database.reading() as session:
        rows = session.execute(statement).all()
    scores = vector_codec.unpack([vector for _, vector in rows], DIMENSION) @ query
    hits = zip([embedding_id for embedding_id, _ in rows], scores.tolist(), strict=True)
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))


def assert_equals_brute_force(
    database: Database, generation: Generation, follower: IndexFollower, collection: str | None, limit: int
) -> None:
    query = make_unit_vectors(99, 1)
    filters = ClipFilters(collections=() if collection is None else (collection,))
    with database.reading() as session:
        video_ids = video_ids_where(session, filters)
    with follower.reading() as view:
        found = view.search(query, limit, None if video_ids is None else view.ids_of_videos(video_ids))
    expected = brute_force(database, generation, query[0], collection)[:limit]
    assert [embedding_id for embedding_id, _ in found[0]] == [embedding_id for embedding_id, _ in expected]
    assert np.allclose([score for _, score in found[0]], [score for _, score in expected], atol=1e-6)


STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 3), st.sampled_from(COLLECTIONS)),
    st.tuples(st.just("delete"), st.integers(0, 20), st.none()),
    st.tuples(st.just("search"), st.integers(1, 10), st.sampled_from(COLLECTIONS)),
    st.tuples(st.just("save"), st.just(0), st.none()),
    st.tuples(st.just("restart"), st.just(0), st.none()),
)


@given(steps=st.lists(STEPS, max_size=12))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_was_added_and_deleted_a_search_equals_comparing_every_row(
    database: Database, steps: list[tuple[str, int, str | None]]
) -> None:
    generation = add_generation(database)  # of this example's own, in one database
    added: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        follower = follow(database, generation, Path(folder))
        for seed, (what, number, collection) in enumerate(steps):
            if what == "add":
                seeds = range(100 * seed, 100 * seed + number)
                added.append(add_video(database, generation, *seeds, collection=collection))
            elif what == "delete" and added:
                delete_video(database, added.pop(number % len(added)))
            elif what == "save":
                follower.save_snapshot()
            elif what == "restart":
                follower = follow(database, generation, Path(folder))
            else:
                assert_equals_brute_force(database, generation, follower, collection, number)
        assert_equals_brute_force(database, generation, follower, None, 100)


def test_what_was_committed_is_found_by_the_next_search_of_every_follower(
    database: Database, generation: Generation, tmp_path: Path
) -> None:
    followers = [follow(database, generation, tmp_path) for _ in range(2)]
    video_id = add_video(database, generation, 1, 2)
    query = make_unit_vectors(1, 1)

    for follower in followers:
        hits, revision = search(follower, query, 10)
        assert (len(hits[0]), revision) == (2, 1)
    delete_video(database, video_id)
    for follower in followers:
        assert search(follower, query, 10) == ([[]], 2)


def test_vectors_of_another_generation_are_never_found(
    database: Database, generation: Generation, tmp_path: Path
) -> None:
    add_video(database, add_generation(database), 1)

    assert search(follow(database, generation, tmp_path), make_unit_vectors(1, 1), 10) == ([[]], 0)


@contextmanager
def counted_statements(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


def test_a_search_asks_the_catalog_one_small_question_when_nothing_has_changed(
    database: Database, generation: Generation, tmp_path: Path
) -> None:
    add_video(database, generation, 1, 2)
    follower = follow(database, generation, tmp_path)

    with counted_statements(database) as statements:
        search(follower, make_unit_vectors(1, 1), 10)

    asked = [statement for statement in statements if not statement.startswith("BEGIN")]
    assert len(asked) == 1
    assert asked[0].startswith("SELECT generations.history_id, generations.revision")


def test_searches_beside_a_writer_see_whole_revisions_only(
    database: Database, generation: Generation, tmp_path: Path
) -> None:
    """Each revision here adds one clip, so a search must find as many as its revision says."""
    follower = follow(database, generation, tmp_path)
    query = make_unit_vectors(1, 1)
    last = 15

    def search_until_the_last(_: int) -> list[tuple[int, int]]:
        seen: list[tuple[int, int]] = []
        while not seen or seen[-1][1] < last:
            hits, revision = search(follower, query, 100)
            seen.append((len(hits[0]), revision))
        return seen

    with ThreadPoolExecutor(3) as threads:
        searching = threads.map(search_until_the_last, range(3))
        for seed in range(last):
            add_video(database, generation, seed)
        seen = [pair for answers in searching for pair in answers]

    assert all(found == revision for found, revision in seen)


def test_a_catalog_restored_from_a_backup_is_followed_from_its_beginning(
    database: Database, generation: Generation, tmp_path: Path
) -> None:
    add_video(database, generation, 1)
    follower = follow(database, generation, tmp_path)
    lost = add_video(database, generation, 2)
    assert len(search(follower, make_unit_vectors(1, 1), 10)[0][0]) == 2

    with database.writing() as session:
        videos.delete(session, lost)
        session.execute(update(Generation).where(Generation.id == generation.id).values(revision=1))

    hits, revision = search(follower, make_unit_vectors(1, 1), 10)
    assert (len(hits[0]), revision) == (1, 1)


def test_another_history_of_equal_revision_and_count_is_read_anew_by_a_running_process_and_a_snapshot(
    database: Database, generation: Generation, tmp_path: Path
) -> None:
    add_video(database, generation, 1)
    follower = follow(database, generation, tmp_path)
    follower.save_snapshot()
    query = make_unit_vectors(1, 1)
    before = search(follower, query, 10)

    with database.writing() as session:  # what a restore leaves: as many clips, as many changes, other clips
        other = session.scalars(select(Embedding.vector).where(Embedding.kind == "segment")).first()
        session.execute(update(Embedding).where(Embedding.kind == "clip").values(vector=other))
        session.execute(update(Generation).values(history_id="another"))

    assert search(follower, query, 10) != before
    assert search(follow(database, generation, tmp_path), query, 10) == search(follower, query, 10)


def test_changes_that_fail_half_way_are_never_seen_by_half_nor_taken_in_twice(
    database: Database, generation: Generation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_video(database, generation, 1)
    follower = follow(database, generation, tmp_path)
    add_video(database, generation, 2, 3)

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr("indexer.vector_index.follower.add_stored", fail)
        follower.catch_up()

    assert_equals_brute_force(database, generation, follower, None, 100)
    assert len(follower) == 3


def test_following_an_unknown_generation_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="no generation 77"):
        IndexFollower(database, 77, "f" * 64, DIMENSION, tmp_path / "77.snapshot")


def test_changes_are_applied_once_when_many_searches_notice_them_together(
    database: Database, generation: Generation, tmp_path: Path
) -> None:
    follower = follow(database, generation, tmp_path)
    add_video(database, generation, *range(5))

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: search(follower, make_unit_vectors(1, 1), 100), range(8)))

    assert {(len(hits[0]), revision) for hits, revision in found} == {(5, 1)}
    with database.reading() as session:
        assert len(follower) == len(generations.changes_since(session, generation.id, 0).added_ids)
