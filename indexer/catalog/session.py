"""The database connection: a snapshot for reading, a transaction for writing, SQLite and Postgres alike.

- ``reading()`` sees one moment of the database (WAL snapshot; REPEATABLE READ on Postgres).
- ``writing()`` is BEGIN IMMEDIATE on SQLite, so that no transaction fails half-way for want of a lock.
- Opening it prepares its schema, or says why that must be done otherwise (``schema``).
"""

import os
import re
import socket
from contextlib import AbstractContextManager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from indexer.catalog.change_watch import CatalogMemory, ChangeWatch
from indexer.catalog.schema import APPLICATION, Schema

BUSY_TIMEOUT_S = 30
"""How long a SQLite writer waits for another one; transactions here take milliseconds."""


class Database:
    """A catalog that can be read and written; build it with ``open_database``."""

    def __init__(self, engine: Engine) -> None:
        """Wrap ``engine``; its schema is not touched."""
        self.engine = engine
        self.schema = Schema(engine)
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
        self.schema.close()


def open_database(url: str) -> Database:
    """Return the database at ``url``, its schema that of this version.

    Raises ValueError for a URL of another kind, and as ``Schema.prepare``.
    """
    database = connect_database(url)
    try:
        database.schema.prepare()
    except BaseException:
        database.close()
        raise
    return database


def connect_database(url: str) -> Database:
    """Return the database at ``url`` whatever its schema; raises ValueError for a URL of another kind."""
    return Database(_engine(url))


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
        if "application_name" not in parsed.query:
            parsed = parsed.update_query_dict({"application_name": _this_process()})
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
    connection.execute("PRAGMA synchronous = FULL")  # what was answered for outlives a power cut too


def _begin_sqlite(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _this_process() -> str:
    """Return by which name Postgres shall know this process; it keeps 63 bytes."""
    return f"{APPLICATION} {os.getpid()} {socket.gethostname()}"[:63]
