"""Workers that race for one queue, each now and then held for a moment: every video is indexed once."""

import os
import signal
import time
from random import Random

import pytest

from tests.faults import judging
from tests.faults.films import render_films
from tests.faults.ledger import Ledger
from tests.faults.running_service import Home, running
from tests.faults.traffic import Clients

ROUNDS = 5
WORKERS = "3"


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_workers_that_race_index_every_video_once(either_home: Home) -> None:
    chance, ledger, wrong = Random(6), Ledger(), []
    films = render_films(either_home.folder, chance)
    with running(either_home, REELSEEK_WORKERS=WORKERS) as service, either_home.opened() as library:
        for number in range(ROUNDS):
            clients = Clients(service.url, ledger, films, number)
            with clients.at_work():
                for _ in range(8):
                    for process_id in either_home.worker_ids():
                        if chance.random() < 0.5:
                            os.kill(process_id, signal.SIGSTOP)
                            time.sleep(chance.uniform(0.0, 0.3))
                            os.kill(process_id, signal.SIGCONT)
            clients.go_on_with_uploads()
            judging.drain(library)
            wrong += judging.faults(library, ledger, service.url)
        rows = judging.read_rows(library)
        assert service.end(10.0) == 0
    either_home.wait_for_workers()
    assert wrong == []
    assert {job.attempts for job in rows.jobs} == {1}
