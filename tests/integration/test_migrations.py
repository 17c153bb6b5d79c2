"""The migrations lead from nothing to the tables of `indexer.catalog.tables` and back, on both databases."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from indexer.catalog.session import Database, open_database
from indexer.catalog.tables import FULL_TEXT, Base, Clip
from indexer.errors import UnknownSchema
from tests.factories import make_clip, make_video


def differences(database: Database) -> list[object]:
    with database.engine.connect() as connection:
        opts = {"compare_type": True, "include_object": is_of_the_tables}
        context = MigrationContext.configure(connection, opts=opts)
        return list(compare_metadata(context, Base.metadata))


def is_of_the_tables(_item: object, name: str | None, *_: object) -> bool:
    return name is None or not name.startswith(FULL_TEXT)


def tables(database: Database) -> set[str]:
    found = sa.inspect(database.engine).get_table_names()
    return {name for name in found if not name.startswith(FULL_TEXT)}


def test_opening_an_empty_database_makes_exactly_the_tables_of_the_catalog(empty_database_url: str) -> None:
    database = open_database(empty_database_url)

    assert differences(database) == []
    assert tables(database) == {*Base.metadata.tables, "alembic_version"}
    database.close()


def test_the_comparison_notices_a_missing_index(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX ix_jobs_video_id"))

    assert len(differences(database)) == 1


def test_downgrading_to_base_takes_every_table_away_and_upgrading_brings_them_back(
    database: Database,
) -> None:
    with database.schema.migrating() as config:
        command.downgrade(config, "base")

    assert sa.inspect(database.engine).get_table_names() == ["alembic_version"]
    database.schema.upgrade()
    assert differences(database) == []


def test_processes_that_open_an_empty_database_at_once_migrate_it_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        databases = list(threads.map(open_database, [empty_database_url] * 4))

    assert differences(databases[0]) == []
    for database in databases:
        database.close()


def test_opening_a_database_of_a_newer_version_says_so_and_changes_nothing(
    database: Database, database_url: str
) -> None:
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'f00d'"))

    with pytest.raises(
        UnknownSchema, match=r"revision f00d.*knows none beyond 0004.*newer ReelSeek"
    ) as caught:
        open_database(database_url)

    password = database.engine.url.password
    assert password is None or str(password) not in str(caught.value)
    with database.reading() as session:
        assert session.scalar(sa.text("SELECT version_num FROM alembic_version")) == "f00d"


def test_a_migration_that_fails_leaves_the_database_as_it_was(database: Database) -> None:
    with pytest.raises(RuntimeError, match="power cut"), database.schema.migrating() as config:
        command.downgrade(config, "base")
        raise RuntimeError("power cut")

    assert differences(database) == []


def test_rebuilding_a_table_keeps_the_rows_that_point_at_it(database: Database) -> None:
    with database.writing() as session:
        session.add(make_clip(make_video()))

    with database.schema.migrating() as config:
        context = MigrationContext.configure(config.attributes["connection"])
        with Operations(context).batch_alter_table("videos", recreate="auto") as batch:
            batch.alter_column("title", new_column_name="headline")

    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Clip)) == 1
