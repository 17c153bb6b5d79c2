"""What every test gets: fixed seeds, no network but the loopback, no unnoticed ERROR; and databases."""

import logging
import os
import random
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from indexer.catalog.session import Database, open_database
from indexer.config import Settings
from indexer.library import Library, open_library
from tests.postgres import PostgresServer, start_postgres

hypothesis.settings.register_profile("same-every-run", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("same-every-run")


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers of this suite."""
    config.addinivalue_line("markers", "allow_error_logs: the test provokes an ERROR in the log")


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Start each test from the same random numbers."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:  # importing it takes seconds, and most tests do without
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections that leave the machine."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise OSError(f"a test tried to connect to {address!r}: tests use the loopback only")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)


@pytest.fixture(autouse=True)
def settings_from_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the REELSEEK_* variables and the ``.env`` of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("REELSEEK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)


class _ErrorRecords(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def no_error_logs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which something logged an ERROR, unless it is marked ``allow_error_logs``."""
    records = _ErrorRecords()
    logging.getLogger().addHandler(records)
    yield
    logging.getLogger().removeHandler(records)
    if records.messages and request.node.get_closest_marker("allow_error_logs") is None:
        pytest.fail("logged as ERROR:\n" + "\n".join(records.messages), pytrace=False)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Run one Postgres for the whole session, with a migrated template database."""
    server = start_postgres()
    try:
        open_database(server.url(server.template)).close()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    open_database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a database without tables, once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.copy_of("template0") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a migrated database of this test's own, once for each kind."""
    if request.param == "sqlite":
        path = tmp_path / "reelseek.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.copy_of(server.template) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Yield an open, empty catalog: the test runs once on SQLite and once on Postgres."""
    database = open_database(database_url)
    yield database
    database.close()


@pytest.fixture
def migrated_home(tmp_path: Path, sqlite_template: Path) -> Path:
    """Return the folder of a library without videos, whose database needs no migration any more."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(sqlite_template, home / "reelseek.db")
    return home


@pytest.fixture
def library(migrated_home: Path) -> Iterator[Library]:
    """Yield an open, empty library in a folder of its own, on SQLite."""
    library = open_library(Settings(home=migrated_home))
    yield library
    library.close()
