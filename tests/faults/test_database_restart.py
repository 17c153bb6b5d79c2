"""Postgres that goes away in the middle of jobs and requests, and comes back: all goes on by itself."""

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.faults import judging
from tests.faults.films import render_films
from tests.faults.ledger import Ledger
from tests.faults.running_service import Home, running
from tests.faults.traffic import Clients
from tests.postgres import PostgresServer, start_postgres

ROUNDS = 3


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Yield a Postgres of this module's own."""
    server = start_postgres()
    server.execute("ALTER ROLE reelseek SET synchronous_commit = on")  # as Postgres is, unless it is told
    yield server
    server.stop()


def go_through(home: Home, server: PostgresServer, rounds: int) -> list[str]:
    """Restart the database so often, each time under a new service, and return what is wrong afterwards."""
    chance, ledger, wrong = Random(6), Ledger(), []
    films = render_films(home.folder, chance)
    for number in range(rounds + 1):
        with running(home) as service, home.opened() as library:
            clients = Clients(service.url, ledger, films, number)
            clients.go_on_with_uploads()
            judging.drain(library)
            wrong += judging.faults(library, ledger, service.url)
            with clients.at_work():
                time.sleep(chance.uniform(0.5, 2.0))
                server.restart(chance.uniform(0.2, 3.0))
                time.sleep(4.0)
            wrong += [answer for answer in ledger.refusals if "503" not in answer]
            ledger.refusals.clear()
            clients.wait_until_answered()
            clients.go_on_with_uploads()
            judging.drain(library)
            assert service.end(10.0) == 0
        home.wait_for_workers()
        home.let_an_hour_pass()
    assert ledger.answers["accepted"] > rounds
    return wrong


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_database_that_restarts_again_and_again_loses_nothing(
    tmp_path: Path, nursery_address: str, server: PostgresServer
) -> None:
    (tmp_path / "library").mkdir()
    home = Home(tmp_path / "library", server.url(server.template), nursery_address)
    assert go_through(home, server, ROUNDS) == []
