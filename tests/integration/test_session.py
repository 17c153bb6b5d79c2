"""Reading sees one moment, writing is all or nothing, on SQLite and on Postgres."""

import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from indexer.catalog.session import Database, open_database
from indexer.catalog.tables import Video
from tests.factories import make_clip, make_video


def count_videos(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Video)) or 0


def test_writing_commits_at_the_end_of_the_block(database: Database) -> None:
    with database.writing() as session:
        session.add(make_video())

    with database.reading() as session:
        assert count_videos(session) == 1


def test_a_timestamp_comes_back_in_utc_whatever_zone_the_server_is_in(database: Database) -> None:
    with database.writing() as session:
        session.add(make_video())
    with database.reading() as session:
        if not database.is_sqlite:
            session.execute(text("SET LOCAL TIME ZONE 'Asia/Tokyo'"))
        added_at = session.scalars(select(Video.added_at)).one()
    assert added_at.tzinfo is UTC
    assert datetime.now(UTC) - added_at < timedelta(minutes=1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_committed_to_sqlite_outlives_a_power_cut(database: Database) -> None:
    full, wal = 2, "wal"  # https://sqlite.org/pragma.html#pragma_synchronous
    with database.writing() as session:
        assert session.scalar(text("PRAGMA synchronous")) == full
        assert session.scalar(text("PRAGMA journal_mode")) == wal


def test_an_error_inside_writing_undoes_all_of_it(database: Database) -> None:
    with pytest.raises(RuntimeError, match="killed"), database.writing() as session:
        session.add(make_video())
        session.flush()
        raise RuntimeError("killed")

    with database.reading() as session:
        assert count_videos(session) == 0


def test_a_reader_keeps_seeing_the_moment_of_its_first_question(database: Database) -> None:
    with database.reading() as reader:
        before = count_videos(reader)
        with database.writing() as writer:
            writer.add(make_video())
        after = count_videos(reader)

    assert (before, after) == (0, 0)


def test_a_writer_that_read_first_does_not_fail_because_another_one_wrote_meanwhile(
    database: Database,
) -> None:
    for _ in range(3):
        with database.writing() as session:
            count_videos(session)
            session.add(make_video())

    with database.reading() as session:
        assert count_videos(session) == 3


def test_rows_can_be_used_after_their_session_has_ended(database: Database) -> None:
    video = make_video(title="Sunset")
    with database.writing() as session:
        session.add(video)

    assert video.title == "Sunset"


def test_foreign_keys_are_enforced(database: Database) -> None:
    clip = make_clip(make_video())
    clip.video_id, clip.video = "0" * 32, None  # type: ignore[assignment]

    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(clip)


def test_a_sqlite_library_is_in_wal_mode_so_that_readers_and_the_writer_do_not_block_each_other(
    tmp_path: Path,
) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'deep' / 'reelseek.db'}")

    with database.reading() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://localhost/reelseek",
        "postgresql://me:secret@localhost/reelseek",
        "reelseek.db",
    ],
)
def test_a_database_url_of_another_kind_is_refused_with_the_kinds_that_work(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///FILE") as caught:
        open_database(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql//me:secret@host/db", "postgresql+psycopg://me:secret@host:port/db"]
)
def test_a_database_url_that_cannot_be_read_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"\*\*\*@host.* cannot be read: write sqlite:///FILE") as caught:
        open_database(url)

    assert "secret" not in "".join(traceback.format_exception(caught.value))
