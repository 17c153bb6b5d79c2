"""No process works with a schema that is not its own, and none is upgraded under somebody who uses it."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from indexer.catalog import schema
from indexer.catalog.session import Database, connect_database, open_database
from indexer.errors import OutdatedSchema, SchemaInUse, UnknownSchema
from tests.factories import make_video

HEAD = list(schema._revisions())[-1]


@pytest.fixture
def older(database: Database) -> Database:
    """Return a database with a video, one revision behind, that nobody has open."""
    with database.writing() as session:
        session.add(make_video())
    with database.schema.migrating() as config:
        command.downgrade(config, "-1")
    database.close()
    return database


def count_videos(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(sa.text("SELECT count(*) FROM videos")) or 0


def test_an_older_schema_is_upgraded_on_opening_sqlite_and_on_demand_on_postgres(
    older: Database, database_url: str
) -> None:
    if not older.is_sqlite:
        with pytest.raises(OutdatedSchema, match=rf"needs {HEAD}: stop every .* `reelseek db upgrade`"):
            open_database(database_url)
        explicit = connect_database(database_url)
        explicit.schema.upgrade()
        explicit.close()

    upgraded = open_database(database_url)

    assert upgraded.schema.state().is_current
    assert count_videos(upgraded) == 1
    upgraded.close()


def test_the_state_tells_what_an_upgrade_would_do(older: Database, database_url: str) -> None:
    looking = connect_database(database_url)
    state = looking.schema.state()
    assert (state.is_current, state.is_known, state.needed) == (False, True, HEAD)
    assert [revision for revision, _ in state.pending] == [HEAD]
    assert all(what for _, what in state.pending)
    looking.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_is_not_upgraded_while_a_process_of_the_older_version_has_it_open(
    older: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "IN_USE_PATIENCE_S", 0.2)
    using = connect_database(database_url)
    using.schema._lock.share()  # type: ignore[union-attr]  # as an older version does

    with pytest.raises(SchemaInUse, match="stop the older ReelSeek that has it open, then try again"):
        open_database(database_url)
    assert not using.schema.state().is_current

    using.close()
    open_database(database_url).close()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_process_whose_postgres_was_upgraded_under_it_gets_no_new_connection(
    database: Database, database_url: str
) -> None:
    assert count_videos(database) == 0
    with database.writing() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = 'f00d'"))
    database.engine.dispose()  # as after an hour without work

    with pytest.raises(UnknownSchema, match=r"brought to schema revision f00d while this process ran"):
        count_videos(database)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_whoever_is_connected_to_postgres_is_named(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database.schema.connected() == []
    monkeypatch.setattr("os.getpid", lambda: 4711)
    other = connect_database(database_url)

    with other.reading() as session:
        session.execute(sa.text("SELECT 1"))
        (name,) = database.schema.connected()

    assert name.startswith("reelseek 4711 ")
    other.close()


def test_the_lock_of_sqlite_ends_with_the_database_object(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    database = open_database(url)
    database.close()
    again = open_database(url)
    with again.schema.migrating() as config:
        command.downgrade(config, "base")
    again.close()
