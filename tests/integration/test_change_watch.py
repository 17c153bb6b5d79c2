"""What is remembered of a catalog, and when it is read again."""

from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer.catalog.change_watch import ChangeWatch
from indexer.catalog.session import Database, open_database
from indexer.catalog.tables import Video
from tests.factories import make_video


class Counting:
    """Counts videos, and how often it was asked to."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self, session: Session) -> int:
        self.reads += 1
        return session.scalar(select(func.count()).select_from(Video)) or 0


def add_video(database: Database) -> None:
    with database.writing() as session:
        session.add(make_video())


def test_what_was_read_is_remembered_until_something_is_committed(database: Database) -> None:
    counting = Counting()
    assert [database.memory.recall("videos", counting) for _ in range(3)] == [0, 0, 0]
    assert counting.reads == (1 if database.is_sqlite else 3)  # Postgres tells of no change: read each time
    add_video(database)
    assert database.memory.recall("videos", counting) == 1


def test_a_commit_of_another_process_is_noticed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'library.db'}"
    ours, theirs = open_database(url), open_database(url)
    counting = Counting()
    assert ours.memory.recall("videos", counting) == 0
    add_video(theirs)
    assert ours.memory.recall("videos", counting) == 1
    for one in (ours, theirs):
        one.close()


def test_what_is_not_committed_changes_nothing(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'library.db'}")
    before = database.memory.change_count()
    with database.writing() as session:
        session.add(make_video())
        session.flush()
        assert database.memory.change_count() == before
    assert database.memory.change_count() != before
    database.close()


def test_facts_of_different_names_are_kept_apart(database: Database) -> None:
    assert database.memory.recall(("fact", 1), lambda _: "one") == "one"
    assert database.memory.recall(("fact", 2), lambda _: "two") == "two"


def test_a_file_that_is_not_there_is_not_made_and_tells_nothing(tmp_path: Path) -> None:
    watch = ChangeWatch(tmp_path / "library.db")
    assert watch.count() is None
    assert list(tmp_path.iterdir()) == []
