"""The Postgres that tests start goes when they do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.postgres import PostgresServer

START_AND_HANG = """
import time
from tests.postgres import start_postgres

server = start_postgres()
print(server.url(server.template).replace("+psycopg", ""), flush=True)
time.sleep(600)
"""


def test_a_copy_is_dropped_after_its_test(postgres_server: PostgresServer) -> None:
    with postgres_server.copy_of(postgres_server.template) as url:
        address = url.replace("+psycopg", "")
        with psycopg.connect(address) as connection:
            assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)

    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(address)


def test_the_server_of_a_killed_test_run_stops_by_itself(postgres_server: PostgresServer) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", START_AND_HANG],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
    )
    if run.stdout is None:
        raise RuntimeError("the run has no output to read")
    address = run.stdout.readline().strip()
    psycopg.connect(address).close()

    run.send_signal(signal.SIGKILL)
    run.communicate()

    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.1)
    pytest.fail("the server still answers")
