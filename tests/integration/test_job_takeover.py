"""What becomes of the job of a worker that has died, and of one that only seems to have."""

import os
import signal
import subprocess
import sys

import pytest

from indexer.catalog.owners import this_machine
from indexer.catalog.session import Database
from indexer.catalog.states import JobState, VideoState
from tests.job_claims import claim, claim_one, enqueue, read

CLAIM_AND_HANG = """
import sys, time
from indexer.catalog.job_claims import Claimant, claim
from indexer.catalog.session import open_database

with open_database(sys.argv[1]).writing() as session:
    job = claim(session, Claimant())
print(job.id, flush=True)
time.sleep(600)
"""


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_job_of_a_dead_process_of_this_machine_is_taken_over_before_its_lease_ends(
    database: Database,
) -> None:
    enqueue(database)
    claim_one(database, f"{this_machine()}:{dead_pid()}")

    job = claim_one(database, "elsewhere:2")

    assert (job.token, job.attempts, job.owner) == (2, 2, "elsewhere:2")


@pytest.mark.parametrize("host", [this_machine(), "elsewhere"])
def test_a_process_that_lives_or_of_another_machine_keeps_its_job_until_the_lease_ends(
    database: Database, host: str
) -> None:
    enqueue(database)
    pid = os.getpid() if host == this_machine() else dead_pid()
    claim_one(database, f"{host}:{pid}")

    assert claim(database) is None


def test_a_worker_killed_with_its_job_in_hand_loses_it_to_the_next_one(
    database: Database, database_url: str
) -> None:
    (queued,) = enqueue(database)
    worker = subprocess.Popen(
        [sys.executable, "-c", CLAIM_AND_HANG, database_url], stdout=subprocess.PIPE, text=True
    )
    try:
        if worker.stdout is None:
            raise RuntimeError("the worker has no output to read")
        assert worker.stdout.readline().strip() == queued.id
        assert claim(database) is None
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.communicate()

    assert claim_one(database).attempts == 2


def test_a_job_that_killed_its_worker_three_times_is_failed(database: Database) -> None:
    (deadly,) = enqueue(database)
    for _ in range(3):
        assert claim_one(database, patience_s=0).id == deadly.id

    assert claim(database, patience_s=0) is None

    job, video = read(database, deadly)
    assert (job.state, job.error_code, job.attempts) == (JobState.FAILED, "worker-died", 3)
    assert (video.state, video.error_code) == (VideoState.FAILED, "worker-died")
    assert "at attempt 3" in (video.error_message or "")
    assert job.finished_at is not None


def test_a_job_that_killed_its_worker_waits_until_the_others_were_tried(database: Database) -> None:
    deadly, harmless = enqueue(database, 2)
    assert claim_one(database).id == deadly.id

    assert claim_one(database, patience_s=0).id == harmless.id
