"""The worker as a process of its own, and the lease of the job it holds."""

import signal
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from indexer.catalog import job_claims
from indexer.catalog.columns import now
from indexer.catalog.job_claims import Claimant
from indexer.catalog.states import JobState, VideoState
from indexer.catalog.tables import Job
from indexer.job_lease import JobLease, LeaseLost, Progress
from indexer.library import Library
from indexer.worker import DATABASE_PAUSE_S, IDLE_S, main, run_worker
from tests.indexing import encoders_that, enqueue, stuck_process, the_job, the_video, thumbnails, worker_of
from tests.synthetic_video import write_plain

EXIT_WITHIN_S = 10.0
"""What is promised to whoever stops a worker; an encoder that is stuck for ever does not lengthen it."""


def test_a_stopped_worker_gives_its_job_back_and_exits_with_0(library: Library, tmp_path: Path) -> None:
    job_id = enqueue(library, write_plain(tmp_path / "a.mp4"))
    with stuck_process(library, 0, "worker") as worker:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(EXIT_WITHIN_S) == 0

    job = the_job(library, job_id)
    assert (job.state, job.attempts, job.owner) == (JobState.QUEUED, 0, None)
    assert the_video(library).state is VideoState.PENDING
    assert thumbnails(library) == []


def test_settings_that_cannot_be_used_end_the_worker_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REELSEEK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REELSEEK_MODEL", "no-such-preset")
    monkeypatch.setattr("indexer.worker.stop_on_sigterm", lambda: None)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "no-such-preset" in capsys.readouterr().err

    monkeypatch.setenv("REELSEEK_MAX_VIDEO_BYTES", "lots")
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err.startswith("REELSEEK_MAX_VIDEO_BYTES is 'lots'")


def test_an_encoder_slower_than_the_lease_does_not_lose_the_job(library: Library, tmp_path: Path) -> None:
    renewed = threading.Event()

    def expire_and_wait() -> None:
        with library.database.writing() as session:
            session.execute(update(Job).values(lease_until=now() - timedelta(seconds=1)))
        while not renewed.wait(0.05):
            if the_job(library, job_id).lease_until > now():  # type: ignore[operator]
                renewed.set()

    job_id = enqueue(library, write_plain(tmp_path / "a.mp4"))
    assert worker_of(library, encoders_that(expire_and_wait)).run_one() is not None
    assert the_job(library, job_id).state is JobState.DONE


def test_the_worker_does_what_is_queued_and_outlives_a_database_that_fails(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if seconds == IDLE_S:
            raise KeyboardInterrupt  # what a signal does

    def fail_once(*_args: object, **_options: object) -> None:
        monkeypatch.setattr(job_claims, "claim", claim)
        raise OperationalError("SELECT", {}, Exception("server restarts"))

    claim = job_claims.claim
    monkeypatch.setattr(job_claims, "claim", fail_once)
    monkeypatch.setattr("indexer.worker.time.sleep", pause)
    done = [enqueue(library, write_plain(tmp_path / f"{number}.mp4", 1 + number)) for number in range(2)]
    with pytest.raises(KeyboardInterrupt):
        run_worker(worker_of(library))
    assert pauses == [DATABASE_PAUSE_S, IDLE_S]
    assert {the_job(library, job_id).state for job_id in done} == {JobState.DONE}


def claimed_job(library: Library, tmp_path: Path) -> Job:
    enqueue(library, write_plain(tmp_path / "a.mp4"))
    with library.database.writing() as session:
        job = job_claims.claim(session, Claimant())
    assert job is not None
    return job


def test_the_lease_publishes_stage_and_fraction(library: Library, tmp_path: Path) -> None:
    job = claimed_job(library, tmp_path)
    with JobLease(library.database, job, look_s=0.005) as lease:
        lease.report(Progress("decoding", 0.25, 1.0))
        while the_job(library, job.id).stage != "decoding":
            pass
    assert the_job(library, job.id).fraction == 0.25


def test_a_lost_lease_stops_the_work_at_its_next_report(library: Library, tmp_path: Path) -> None:
    job = claimed_job(library, tmp_path)
    with library.database.writing() as session:
        session.execute(update(Job).values(token=Job.token + 1))
    with JobLease(library.database, job, look_s=0.02) as lease, pytest.raises(LeaseLost, match=job.id):
        while True:
            lease.report(Progress("decoding", 0.5, 1.0))
