"""An index that no longer suits the library is built anew beside the one that serves, and nothing is lost."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.catalog import videos
from indexer.catalog.session import Database
from indexer.catalog.tables import Generation
from indexer.vector_index import follower as follower_module
from indexer.vector_index.building import IndexSizes, build_index
from indexer.vector_index.follower import IndexFollower
from tests.factories import make_generation, make_new_clip, make_unit_vectors, store_video

DIMENSION = 8
SIZES = IndexSizes(flat_until=40, largest_share_probed=1.0)
PATIENCE_S = 30
QUERY = make_unit_vectors(1, 1)

# How an index is built does not depend on the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def generation(database: Database) -> Generation:
    with database.writing() as session:
        generation = make_generation(dimension=DIMENSION)
        session.add(generation)
    return generation


@pytest.fixture
def follower(database: Database, generation: Generation, tmp_path: Path) -> Iterator[IndexFollower]:
    follower = follow(database, generation, tmp_path)
    yield follower
    follower.close()


def follow(database: Database, generation: Generation, folder: Path) -> IndexFollower:
    path = folder / "generation.snapshot"
    follower = IndexFollower(database, generation.id, generation.fingerprint, DIMENSION, path, SIZES)
    follower.build_when_needed()
    return follower


def add_clips(database: Database, generation: Generation, *seeds: int) -> str:
    clips = [make_new_clip(seed, start_s=4.0 * place, segments=1) for place, seed in enumerate(seeds)]
    with database.writing() as session:
        return store_video(session, session.get_one(Generation, generation.id), *clips).id


def delete(database: Database, video_id: str) -> None:
    with database.writing() as session:
        videos.delete(session, video_id)


def wait_for_kind(follower: IndexFollower, name: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while follower.kind.name != name:
        assert time.monotonic() < deadline, f"the index is still of kind {follower.kind.name}"
        time.sleep(0.01)


def assert_finds_every_clip(follower: IndexFollower, count: int) -> None:
    with follower.reading() as view:
        assert view.clip_count == count
        (hits,) = view.search(QUERY, count + 10)
        scores = view.scores(view.ids, QUERY[0])
        assert [score for _, score in hits] == sorted(scores.tolist(), reverse=True)


def test_a_library_that_grows_gets_another_index_and_one_that_shrinks_the_exact_one_again(
    database: Database, generation: Generation, follower: IndexFollower
) -> None:
    kept = add_clips(database, generation, *range(15))
    assert follower.catch_up() == 1
    assert follower.kind.name == "flat"

    added = [add_clips(database, generation, *range(first, first + 15)) for first in (100, 200, 300)]
    follower.catch_up()
    wait_for_kind(follower, "ivf")
    assert_finds_every_clip(follower, 60)

    for video_id in added:
        delete(database, video_id)
    follower.catch_up()
    wait_for_kind(follower, "flat")
    assert_finds_every_clip(follower, 15)
    with follower.reading() as view:
        assert {view.video_id(code) for code in view.clips(view.ids).video} == {kept}


def test_a_large_library_read_from_the_catalog_is_searched_at_once_and_better_soon(
    database: Database, generation: Generation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_clips(database, generation, *range(60))
    may_build = threading.Event()
    hold_builds(monkeypatch, may_build)

    follower = follow(database, generation, tmp_path)

    assert follower.kind.name == "sq8"
    assert_finds_every_clip(follower, 60)
    may_build.set()
    wait_for_kind(follower, "ivf")
    assert_finds_every_clip(follower, 60)


def hold_builds(monkeypatch: pytest.MonkeyPatch, may_end: threading.Event) -> threading.Event:
    """Let an index that is built wait at the end for ``may_end``; returns what is set when one is there."""
    is_built = threading.Event()

    def build_and_wait(*arguments: object) -> object:
        index = build_index(*arguments)  # type: ignore[arg-type]
        is_built.set()
        may_end.wait(PATIENCE_S)
        return index

    monkeypatch.setattr(follower_module, "build_index", build_and_wait)
    return is_built


def test_what_comes_and_goes_while_an_index_is_built_is_not_lost(
    database: Database, generation: Generation, follower: IndexFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    is_built = hold_builds(monkeypatch, may_end)
    gone = add_clips(database, generation, *range(20))
    follower.catch_up()
    add_clips(database, generation, *range(100, 140))
    follower.catch_up()
    assert is_built.wait(PATIENCE_S)

    add_clips(database, generation, *range(200, 230))
    delete(database, gone)
    assert_finds_every_clip(follower, 70)  # by the old index
    assert follower.kind.name == "flat"

    may_end.set()
    wait_for_kind(follower, "ivf")
    assert_finds_every_clip(follower, 70)


def test_an_index_that_cannot_be_built_leaves_the_old_one_serving_with_a_warning(
    database: Database,
    generation: Generation,
    follower: IndexFollower,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    has_tried = threading.Semaphore(0)

    def fail(*arguments: object) -> object:
        has_tried.release()
        raise MemoryError

    monkeypatch.setattr(follower_module, "build_index", fail)
    for seeds in (range(30), range(100, 130)):
        add_clips(database, generation, *seeds)
        follower.catch_up()
    assert has_tried.acquire(timeout=PATIENCE_S)
    deadline = time.monotonic() + PATIENCE_S
    while not caplog.records and time.monotonic() < deadline:
        time.sleep(0.01)

    said = [(record.levelname, getattr(record, "action", "")) for record in caplog.records]
    assert said == [("WARNING", "index_build_failed")]
    add_clips(database, generation, 200)
    assert_finds_every_clip(follower, 61)
    assert follower.kind.name == "flat"
    assert not has_tried.acquire(blocking=False)


def test_a_snapshot_keeps_the_index_that_was_built(
    database: Database, generation: Generation, follower: IndexFollower, tmp_path: Path
) -> None:
    add_clips(database, generation, *range(60))
    follower.catch_up()
    wait_for_kind(follower, "ivf")
    follower.save_snapshot()

    again = follow(database, generation, tmp_path)

    assert again.kind == follower.kind
    with again.reading() as view, follower.reading() as old:
        assert view.search(QUERY, 20) == old.search(QUERY, 20)
        assert np.array_equal(view.sample(10)[0], old.sample(10)[0])
    add_clips(database, generation, 100)
    assert_finds_every_clip(again, 61)


def test_a_look_inside_a_look_sees_the_same_moment(
    database: Database, generation: Generation, follower: IndexFollower
) -> None:
    add_clips(database, generation, 1, 2)
    with follower.reading() as view:
        add_clips(database, generation, 3)
        with follower.reading() as inner:
            assert (inner.revision, inner.clip_count) == (view.revision, 2)
    with follower.reading() as view:
        assert view.clip_count == 3


def test_an_index_that_a_deletion_took_from_the_disk_is_kept_there_again_when_nothing_changes(
    follower: IndexFollower,
    database: Database,
    generation: Generation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "generation.snapshot"
    add_clips(database, generation, *range(50))
    deleted = add_clips(database, generation, 99)
    follower.catch_up()
    follower.wait_for_build()
    path.unlink()  # as a deletion does
    delete(database, deleted)
    follower.catch_up()

    follower.save_when_quiet()
    assert not path.exists()
    monkeypatch.setattr(follower_module, "QUIET_S", 0.0)
    follower.save_when_quiet()
    assert_finds_every_clip(follower, 50)
    kept = path.stat().st_mtime_ns
    follower.save_when_quiet()
    assert path.stat().st_mtime_ns == kept
