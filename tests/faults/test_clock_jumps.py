"""Wall clocks that jump by hours under a service and its worker: no job is lost, taken twice or left."""

import time
from random import Random

import pytest

from tests.faults import judging
from tests.faults.clock_jumps import CLOCK
from tests.faults.films import render_films
from tests.faults.ledger import Ledger
from tests.faults.running_service import Home, running
from tests.faults.traffic import Clients

HOURS = 3600.0
JUMPS_S = (6 * HOURS, -6 * HOURS, 40.0, -40.0, 12 * HOURS, 0.0)
"""Longer and shorter than a lease (30 s); a day forward would let resumable uploads expire, as it should."""


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_clocks_that_jump_lose_no_job_and_double_none(either_home: Home) -> None:
    chance, ledger, wrong = Random(6), Ledger(), []
    films = render_films(either_home.folder, chance)
    clock = either_home.folder / "clock"
    clock.write_text("0")
    with running(either_home, **{CLOCK: str(clock)}) as service, either_home.opened() as library:
        for number, jump_s in enumerate(JUMPS_S):
            clients = Clients(service.url, ledger, films, number)
            with clients.at_work():
                time.sleep(chance.uniform(0.5, 1.5))
                clock.write_text(str(jump_s))
                time.sleep(chance.uniform(0.5, 1.5))
            clients.go_on_with_uploads()
            judging.drain(library)
            wrong += judging.faults(library, ledger, service.url)
        attempts = {job.attempts for job in judging.read_rows(library).jobs}
        assert service.end(10.0) == 0
    either_home.wait_for_workers()
    assert wrong == []
    assert attempts == {1}
