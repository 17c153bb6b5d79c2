"""The database connection: a snapshot for reading, a transaction for writing, SQLite and Postgres alike.

- ``reading()`` sees one moment of the database (WAL snapshot; REPEATABLE READ on Postgres).
- ``writing()`` is BEGIN IMMEDIATE on SQLite, so that no transaction fails half-way for want of a lock.
- ``upgrade()`` brings the schema to this code's revision, one process at a time.
"""

import fcntl
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from indexer.catalog.change_watch import CatalogMemory, ChangeWatch
from indexer.errors import UnknownSchema

BUSY_TIMEOUT_S = 30
"""How long a SQLite writer waits for another one; transactions here take milliseconds."""

UPGRADE_LOCK = 0x5EE15EEC
"""Key of the Postgres advisory lock that upgrades hold; any number nobody else uses."""


class Database:
    """A catalog that can be read and written; build it with ``open_database``."""

    def __init__(self, engine: Engine) -> None:
        """Wrap ``engine``; its schema is not touched."""
        self.engine = engine
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        reader = engine.execution_options(**({} if self.is_sqlite else snapshot))
        writer = engine.execution_options(is_writing=True)
        self._reading = sessionmaker(reader, expire_on_commit=False, autoflush=False)
        self._writing = sessionmaker(writer, expire_on_commit=False)
        watch = ChangeWatch(Path(engine.url.database or "")) if self.is_sqlite else None
        self.memory = CatalogMemory(watch, self.reading)

    @property
    def is_sqlite(self) -> bool:
        """Return whether this is a SQLite file (else Postgres)."""
        return self.engine.dialect.name == "sqlite"

    def reading(self) -> AbstractContextManager[Session]:
        """Return a session that sees one moment of the database; nothing may be written with it."""
        return self._reading()

    def writing(self) -> AbstractContextManager[Session]:
        """Return a session whose transaction commits at the end of the block and rolls back on an error."""
        return self._writing.begin()

    def close(self) -> None:
        """Give all connections back."""
        self.memory.close()
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Return the database at ``url``, migrated; raises ValueError for a URL of another kind."""
    database = Database(_engine(url))
    try:
        upgrade(database)
    except BaseException:
        database.close()
        raise
    return database


def upgrade(database: Database) -> None:
    """Bring the schema to this code's head; raises UnknownSchema when the database is ahead of it."""
    with migrating(database) as config:
        scripts = ScriptDirectory.from_config(config)
        head = scripts.get_current_head()
        found = set(MigrationContext.configure(config.attributes["connection"]).get_current_heads())
        if found - {script.revision for script in scripts.walk_revisions()}:
            raise UnknownSchema(
                f"{database.engine.url!r} is at schema revision {', '.join(sorted(found))}, and this version "
                f"knows none beyond {head}: install a newer ReelSeek, or name another library with "
                "REELSEEK_HOME or REELSEEK_DATABASE_URL"
            )
        if found != {head}:
            command.upgrade(config, "head")


@contextmanager
def migrating(database: Database) -> Iterator[Config]:
    """Yield what Alembic's commands need, in one transaction that no other process migrates beside."""
    config = Config()
    config.set_main_option("script_location", "migrations:")  # the installed package
    with _sqlite_alone(database) if database.is_sqlite else _postgres_alone(database) as connection:
        config.attributes["connection"] = connection
        yield config


def parse_url(url: str) -> URL:
    """Return the parts of a database URL; raises ValueError, without the password, when it has none."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        shown = re.sub("//.*@", "//***@", url, flags=re.DOTALL)
    raise ValueError(  # here, so that no cause with the password is printed beside it
        f"database URL {shown!r} cannot be read: write sqlite:///FILE or "
        "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
    )


def _engine(url: str) -> Engine:
    parsed = parse_url(url)
    if parsed.drivername == "postgresql+psycopg":
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        shown = parsed.render_as_string(hide_password=True)
        raise ValueError(
            f"database URL {shown!r} is of no supported kind: write sqlite:///FILE (a file, so that workers "
            "can share it) or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
        )
    engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: SqliteConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN is too late and never IMMEDIATE
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")  # safe against corruption in WAL mode


def _begin_sqlite(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


@contextmanager
def _postgres_alone(database: Database) -> Iterator[Connection]:
    with database.engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        yield connection


@contextmanager
def _sqlite_alone(database: Database) -> Iterator[Connection]:
    path = Path(database.engine.url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        _file_lock(path.with_name(f"{path.name}.upgrade-lock")),
        database.engine.execution_options(is_writing=True).connect() as connection,
        _batch_mode(connection),
        connection.begin(),
    ):
        yield connection


@contextmanager
def _batch_mode(connection: Connection) -> Iterator[None]:
    """Switch foreign keys off: with them on, rebuilding a table would delete the rows of its children."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, SqliteConnection):
        raise TypeError(f"expected a SQLite connection, got {type(driver).__name__}")
    driver.execute("PRAGMA journal_mode = WAL")  # kept in the file from now on
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file closes, even by a kill
        yield
