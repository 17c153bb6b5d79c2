"""A snapshot makes the start fast and never wrong: any doubt about it, and the catalog is read instead."""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.catalog import generations, videos
from indexer.catalog.session import Database, open_database
from indexer.catalog.tables import Embedding, Generation
from indexer.vector_index.base import Hit
from indexer.vector_index.follower import IndexFollower
from model.durable_file import TemporaryFile
from tests.factories import make_generation, make_new_clip, make_unit_vectors, store_video

DIMENSION = 8
QUERY = make_unit_vectors(1, 1)

# What happens to files does not depend on the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def generation(database: Database) -> Generation:
    with database.writing() as session:
        generation = make_generation(dimension=DIMENSION)
        session.add(generation)
        for seed in range(3):
            store_video(session, generation, make_new_clip(seed), make_new_clip(seed + 10, start_s=4.0))
    return generation


@pytest.fixture
def path(database: Database, generation: Generation, tmp_path: Path) -> Path:
    """Return where a good snapshot of the six clips lies."""
    path = tmp_path / "index" / "generation.snapshot"
    follow(database, generation, path).save_snapshot()
    return path


def follow(database: Database, generation: Generation, path: Path) -> IndexFollower:
    return IndexFollower(database, generation.id, generation.fingerprint, DIMENSION, path)


def search(follower: IndexFollower) -> tuple[list[list[Hit]], int]:
    """Return the best hits for one query, and the revision they are of."""
    with follower.reading() as view:
        return view.search(QUERY, 10), view.revision


def ignored(log: pytest.LogCaptureFixture) -> list[str]:
    """Return the reasons for which snapshots were ignored."""
    records = [record for record in log.records if getattr(record, "action", "") == "snapshot_ignored"]
    assert all(record.levelno == logging.WARNING for record in records)
    return [getattr(record, "reason", record.getMessage()) for record in records]


def test_the_next_start_reads_the_snapshot_and_only_what_came_since_from_the_catalog(
    database: Database,
    generation: Generation,
    path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with database.writing() as session:
        store_video(session, session.get_one(Generation, generation.id), make_new_clip(50))
    read: list[int] = []
    changes_since = generations.changes_since

    def noted(*arguments: object) -> object:
        changes = changes_since(*arguments)  # type: ignore[arg-type]
        read.append(len(changes.added_ids))
        return changes

    monkeypatch.setattr(generations, "changes_since", noted)
    hits, revision = search(follow(database, generation, path))

    assert (len(hits[0]), revision, read) == (7, 4, [1])
    assert ignored(caplog) == []


def test_a_snapshot_found_good_is_not_written_again(
    database: Database, generation: Generation, path: Path
) -> None:
    before = path.stat()

    follower = follow(database, generation, path)
    follower.save_snapshot()
    assert path.stat().st_ino == before.st_ino

    with database.writing() as session:
        store_video(session, session.get_one(Generation, generation.id), make_new_clip(50))
    follower.catch_up()
    follower.save_snapshot()
    assert path.stat().st_ino != before.st_ino


def flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "checksum flipped": lambda content: flip(content, 5),
    "header flipped": lambda content: flip(content, content.index(b'"revision": ') + 12),
    "first byte of the index flipped": lambda content: flip(content, content.index(b"}\n") + 2),
    "middle flipped": lambda content: flip(content, len(content) * 2 // 3),
    "last byte flipped": lambda content: flip(content, len(content) - 1),
    "cut short by a byte": lambda content: content[:-1],
    "half": lambda content: content[: len(content) // 2],
    "checksum only": lambda content: content[:64],
    "longer": lambda content: content + b"\0",
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "text": lambda content: b"not a snapshot\n",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_snapshot_is_ignored_with_a_warning_and_the_index_rebuilt(
    database: Database,
    generation: Generation,
    path: Path,
    damage: Callable[[bytes], bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = search(follow(database, generation, path))
    path.write_bytes(damage(path.read_bytes()))

    follower = follow(database, generation, path)

    assert search(follower) == good
    assert ignored(caplog) == ["its checksum is wrong: it was cut short or damaged"]
    follower.save_snapshot()
    caplog.clear()
    follow(database, generation, path)
    assert ignored(caplog) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"fingerprint": "f" * 64}, "its fingerprint is ffff"),
        ({"generation_id": 2}, "its generation_id is 2, expected 1"),
        ({"history_id": "another"}, "its history_id is another"),
        ({"dimension": 16}, "its dimension is 16, expected 8"),
        ({"revision": 4}, "its revision 4 is ahead of the catalog's 3"),
        ({"format": 3}, "it has format 3, this version reads 5"),
        ({"count": 5}, "it holds 6 vectors of 6 clips and claims 5"),
    ],
)
def test_a_whole_snapshot_of_something_else_is_ignored(
    database: Database,
    generation: Generation,
    path: Path,
    change: dict[str, object],
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = search(follow(database, generation, path))
    _, header, payload = path.read_bytes().split(b"\n", 2)
    rest = json.dumps({**json.loads(header), **change}).encode() + b"\n" + payload
    path.write_bytes(hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)

    assert search(follow(database, generation, path)) == good
    (said,) = ignored(caplog)
    assert said.startswith(reason)


def test_the_snapshot_of_another_library_with_the_same_model_is_ignored(
    generation: Generation,
    path: Path,
    sqlite_template: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "other.db").write_bytes(sqlite_template.read_bytes())
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    with other.writing() as session:
        twin = make_generation(fingerprint=generation.fingerprint, dimension=DIMENSION, revision=100)
        session.add(twin)

    assert search(follow(other, twin, path)) == ([[]], 100)
    (said,) = ignored(caplog)
    assert said.startswith("its history_id is")
    other.close()


def test_a_snapshot_that_misses_a_row_of_the_catalog_is_ignored(
    database: Database, generation: Generation, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with database.writing() as session:  # a row that came behind the revision's back
        first = session.query(Embedding).filter_by(kind="clip").first()
        if first is None:
            raise LookupError("no embedding was stored")
        values = {name: getattr(first, name) for name in ("clip_id", "generation_id", "kind", "vector")}
        session.add(Embedding(**values, ordinal=9, start_s=0.0, end_s=1.0, revision=1))

    assert len(follow(database, generation, path)) == 7
    assert len(ignored(caplog)) == 1


def test_what_was_deleted_since_the_snapshot_is_not_found(
    database: Database, generation: Generation, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with database.writing() as session:
        (newest,) = videos.list_page(session, limit=1)
        videos.delete(session, newest.id)

    assert len(search(follow(database, generation, path))[0][0]) == 4
    assert ignored(caplog) == []


def test_killed_while_it_is_published_the_old_snapshot_still_serves(
    database: Database,
    generation: Generation,
    path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = path.read_bytes()
    follower = follow(database, generation, path)
    with database.writing() as session:
        store_video(session, session.get_one(Generation, generation.id), make_new_clip(50))
    follower.catch_up()

    def be_killed(self: TemporaryFile, path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TemporaryFile, "publish", be_killed)
        follower.save_snapshot()

    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    assert len(search(follow(database, generation, path))[0][0]) == 7
    assert ignored(caplog) == []


def test_a_snapshot_that_cannot_be_read_is_ignored(
    database: Database, generation: Generation, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.unlink()
    path.mkdir()

    assert len(follow(database, generation, path)) == 6
    assert ignored(caplog) == ["it cannot be read: Is a directory"]
