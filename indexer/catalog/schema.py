"""At which revision a database's schema is, bringing it to this code's, and keeping that from others.

- SQLite is of one machine. Every process holds a lock on it, shared, as long as it has it open; whoever opens
  an older schema upgrades it, alone, and is refused while a process uses it that knows only the older one.
- Postgres is of many machines. An empty database gets its schema by itself; an older one is refused until
  ``reelseek db upgrade``, which in turn is refused while any process is connected. A process of an older
  version that connects later finds another schema than it began with, and is refused.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import OperationalError as SqliteError
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import OperationalError

from indexer.catalog.file_lock import FileLock
from indexer.errors import OutdatedSchema, SchemaInUse, UnknownSchema

UPGRADE_LOCK = 0x5EE15EEC
"""Key of the Postgres advisory lock that upgrades hold; any number nobody else uses."""

IN_USE_PATIENCE_S = 5.0
"""How long whoever upgrades SQLite waits for others to close it: those that just opened it do so at once."""

RETRY_S = 0.05

APPLICATION = "reelseek"
"""What the names begin with under which processes are connected to Postgres."""


@dataclass(frozen=True)
class SchemaState:
    """Where a schema is, and where this version needs it."""

    found: str | None
    """None for a database without tables."""
    needed: str
    pending: tuple[tuple[str, str], ...]
    """Revisions that an upgrade would bring, first one first, and what each is for; empty when unknown."""
    is_known: bool
    """False for a schema of a newer version."""

    @property
    def is_current(self) -> bool:
        """Return whether this version can work with it."""
        return self.found == self.needed


class Schema:
    """The schema of the database behind an engine."""

    def __init__(self, engine: Engine) -> None:
        """Look at nothing yet."""
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._lock = FileLock(_lock_path(engine)) if self._is_sqlite else None

    def state(self) -> SchemaState:
        """Return where the schema is."""
        with self._engine.connect() as connection:
            return _state(connection)

    def prepare(self) -> None:
        """Let the database be used: an empty one, or an older one on SQLite, is upgraded first.

        Raises UnknownSchema for one of a newer version, OutdatedSchema for an older one on Postgres and
        SchemaInUse for an older SQLite file that another process has open.
        """
        if self._lock is not None:
            self._prepare_sqlite(self._lock)
        else:
            self._prepare_postgres()

    def upgrade(self) -> None:
        """Bring the schema to this version's; raises UnknownSchema when it is ahead, and SchemaInUse."""
        with self.migrating() as config:
            state = self._require_known(_state(config.attributes["connection"]))
            if not state.is_current:
                command.upgrade(config, "head")

    @contextmanager
    def migrating(self) -> Iterator[Config]:
        """Yield what Alembic's commands need, in one transaction; raises SchemaInUse."""
        with self._alone() as connection:
            config = _config()
            config.attributes["connection"] = connection
            yield config

    @contextmanager
    def keeping_others_out(self) -> Iterator[None]:
        """Let no other process use the database while the block runs; raises SchemaInUse when one does.

        On Postgres that is looked at once, as it begins.
        """
        if self._lock is not None:
            with self._lock.alone():
                yield
            return
        others = self.connected()
        if others:
            raise SchemaInUse(
                f"{', '.join(others)} (process and machine) use the database: stop them, then try again"
            )
        yield

    def connected(self) -> list[str]:
        """Return the names of other processes that have a Postgres database open."""
        if self._is_sqlite:
            return []
        statement = text(
            "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name LIKE :ours AND application_name <> current_setting('application_name')"
        )
        with self._engine.connect() as connection:
            return sorted(connection.scalars(statement, {"ours": f"{APPLICATION}%"}))

    def close(self) -> None:
        """Let others upgrade the database."""
        if self._lock is not None:
            self._lock.close()

    def _prepare_sqlite(self, lock: FileLock) -> None:
        give_up_at = time.monotonic() + IN_USE_PATIENCE_S
        while True:
            lock.share()
            state = self._look_at_sqlite()
            if state.is_current:
                return
            lock.release()
            with suppress(SchemaInUse):
                self.upgrade()
                return
            if time.monotonic() > give_up_at:
                raise SchemaInUse(
                    f"{self._shown} is at schema revision {state.found} and this version needs "
                    f"{state.needed}: stop the older ReelSeek that has it open, then try again"
                )
            lock.release()
            time.sleep(random.uniform(0, RETRY_S))  # noqa: S311 - so that those who wait do not keep step

    def _look_at_sqlite(self) -> SchemaState:
        with self._engine.connect() as connection:
            _set_pragma(connection, "journal_mode = WAL")  # kept in the file from now on
            return self._require_known(_state(connection))

    def _prepare_postgres(self) -> None:
        state = self._require_known(self.state())
        if state.found is None:
            self.upgrade()
        elif not state.is_current:
            raise OutdatedSchema(
                f"{self._shown} is at schema revision {state.found} and this version needs {state.needed}: "
                "stop every ReelSeek that uses it, then run `reelseek db upgrade`"
            )
        event.listen(self._engine, "connect", _require_revision(state.needed))

    def _require_known(self, state: SchemaState) -> SchemaState:
        if not state.is_known:
            raise UnknownSchema(
                f"{self._shown} is at schema revision {state.found}, and this version knows none beyond "
                f"{state.needed}: install a newer ReelSeek, or name another library with REELSEEK_HOME or "
                "REELSEEK_DATABASE_URL"
            )
        return state

    @property
    def _shown(self) -> str:
        return repr(self._engine.url)  # without the password

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        if self._lock is None:
            with self._engine.begin() as connection:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
                yield connection
            return
        writer = self._engine.execution_options(is_writing=True)
        with self._lock.alone(), writer.connect() as connection, _batch_mode(connection), connection.begin():
            yield connection


def _lock_path(engine: Engine) -> Path:
    path = Path(engine.url.database or "")
    return path.with_name(f"{path.name}.upgrade-lock")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "migrations:")  # the installed package
    return config


@lru_cache
def _revisions() -> dict[str, str]:
    """Return what each revision of this version is for, first one first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return {script.revision: script.doc for script in reversed(list(scripts))}


def _state(connection: Connection) -> SchemaState:
    found = MigrationContext.configure(connection).get_current_revision()
    known = list(_revisions())
    is_known = found is None or found in known
    waiting = known[known.index(found) + 1 if found in known else 0 :] if is_known else []
    return SchemaState(
        found=found,
        needed=known[-1],
        pending=tuple((revision, _revisions()[revision]) for revision in waiting),
        is_known=is_known,
    )


def _require_revision(needed: str) -> Any:
    """Return what refuses a new connection to a database that has been upgraded since it was opened."""

    def check(driver: Any, _record: object) -> None:
        with driver.cursor() as cursor:
            row = cursor.execute("SELECT version_num FROM alembic_version").fetchone()
        driver.rollback()
        if row is None or row[0] != needed:
            raise UnknownSchema(
                f"the database was brought to schema revision {row and row[0]} while this process ran, which "
                f"knows {needed}: start it anew, with the version that upgraded the database"
            )

    return check


@contextmanager
def _batch_mode(connection: Connection) -> Iterator[None]:
    """Switch foreign keys off: with them on, rebuilding a table would delete the rows of its children."""
    _set_pragma(connection, "journal_mode = WAL")
    _set_pragma(connection, "foreign_keys = OFF")
    try:
        yield
    finally:
        _set_pragma(connection, "foreign_keys = ON")


def _set_pragma(connection: Connection, setting: str) -> None:
    """Set what cannot be set in a transaction; raises OperationalError, on a full disk for one."""
    try:
        _sqlite_driver(connection).execute(f"PRAGMA {setting}")
    except SqliteError as error:
        raise OperationalError(setting, None, error) from error


def _sqlite_driver(connection: Connection) -> SqliteConnection:
    driver = connection.connection.driver_connection
    if not isinstance(driver, SqliteConnection):
        raise TypeError(f"expected a SQLite connection, got {type(driver).__name__}")
    return driver
