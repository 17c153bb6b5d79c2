"""Which job is taken: by priority, generation and pause, and none from a worker that lives."""

from datetime import timedelta
from unittest.mock import Mock

import pytest
from sqlalchemy import update

from indexer.catalog import job_claims, jobs
from indexer.catalog.columns import now
from indexer.catalog.job_claims import Claimant
from indexer.catalog.lease_watch import LeaseWatch
from indexer.catalog.session import Database
from indexer.catalog.states import GenerationState, JobState, Priority, VideoState
from indexer.catalog.tables import Generation, Job
from tests.factories import make_generation, make_video
from tests.job_claims import claim_one, claimant, enqueue, read


def add_generation(database: Database, **fields: object) -> int:
    with database.writing() as session:
        generation = make_generation(**fields)
        session.add(generation)
        session.flush()
        return generation.id


def claim_for(database: Database, generation_id: int) -> Job | None:
    with database.writing() as session:
        return job_claims.claim(session, Claimant("elsewhere:1", generation_id))


def test_an_upload_is_done_before_a_folder_and_a_folder_before_a_rebuild(database: Database) -> None:
    wanted = [Priority.REBUILD, Priority.FOLDER, Priority.UPLOAD, Priority.FOLDER]
    made = enqueue(database, len(wanted))
    with database.writing() as session:
        for job, priority in zip(made, wanted, strict=True):
            session.execute(update(Job).where(Job.id == job.id).values(priority=priority))
    taken = [claim_one(database).id for _ in made]
    assert taken == [made[2].id, made[1].id, made[3].id, made[0].id]


def test_an_upload_of_what_a_folder_queued_lets_it_wait_for_less_long(database: Database) -> None:
    (job,) = enqueue(database)
    for priority, kept in ((Priority.UPLOAD, 10), (Priority.FOLDER, 10), (Priority.REBUILD, 10)):
        with database.writing() as session:
            assert jobs.enqueue(session, job.video_id, priority=priority).id == job.id
        assert read(database, job)[0].priority == kept
    assert read(database, job)[0].version == 2


def test_a_worker_takes_jobs_of_its_own_generation_and_open_ones_only_while_that_serves(
    database: Database,
) -> None:
    (open_job,) = enqueue(database)
    serving = add_generation(database)
    built = add_generation(database, state=GenerationState.BUILDING)
    with database.writing() as session:
        rebuild = jobs.enqueue(session, open_job.video_id, priority=Priority.UPLOAD, generation_id=built)
    assert rebuild.id != open_job.id

    taken = claim_for(database, serving)
    assert taken is not None
    assert taken.id == open_job.id
    assert claim_for(database, serving) is None
    taken = claim_for(database, built)
    assert taken is not None
    assert taken.id == rebuild.id


def test_jobs_of_a_paused_generation_wait_until_it_goes_on(database: Database) -> None:
    built = add_generation(database, state=GenerationState.BUILDING, is_paused=True)
    with database.writing() as session:
        video = make_video()
        session.add(video)
        session.flush()
        jobs.enqueue(session, video.id, generation_id=built)
    assert claim_for(database, built) is None
    with database.writing() as session:
        session.execute(update(Generation).values(is_paused=False))
    assert claim_for(database, built) is not None


def test_what_becomes_of_a_rebuild_says_nothing_of_its_video(database: Database) -> None:
    built = add_generation(database, state=GenerationState.BUILDING)
    with database.writing() as session:
        video = make_video(state=VideoState.READY)
        session.add(video)
        session.flush()
        jobs.enqueue(session, video.id, generation_id=built)
    job = claim_for(database, built)
    assert job is not None
    assert read(database, job)[1].state is VideoState.READY
    with database.writing() as session:
        assert jobs.fail(session, job, "decoder-crashed", "it crashed")
    assert read(database, job)[1].state is VideoState.READY


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1), timedelta(0)])
def test_a_wall_clock_that_jumps_takes_no_job_from_a_worker_that_renews_its_lease(
    database: Database, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    clock = Mock(return_value=0.0)
    other = Claimant("elsewhere:2", leases=LeaseWatch(30.0, clock))
    enqueue(database)
    job = claim_one(database)
    monkeypatch.setattr("indexer.catalog.jobs.now", lambda: now() + jump)
    for second in range(0, 300, 20):
        clock.return_value = float(second)
        with database.writing() as session:
            assert job_claims.claim(session, other) is None
            assert jobs.heartbeat(session, job, "decoding", second / 300)


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1), timedelta(0)])
def test_a_wall_clock_that_jumps_leaves_no_job_with_a_worker_that_is_silent(
    database: Database, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    monkeypatch.setattr("indexer.catalog.job_claims.now", lambda: now() + jump)
    clock = Mock(return_value=0.0)
    other = Claimant("elsewhere:2", leases=LeaseWatch(30.0, clock))
    enqueue(database)
    claim_one(database)
    found: list[Job | None] = []
    for second in (0.0, 29.0, 30.5):
        clock.return_value = second
        with database.writing() as session:
            found.append(job_claims.claim(session, other))
    assert found[:2] == [None, None]
    assert found[2] is not None
    assert (found[2].owner, found[2].attempts) == ("elsewhere:2", 2)


def test_a_cancelled_job_is_nobodys_and_is_not_taken_again(database: Database) -> None:
    enqueue(database)
    job = claim_one(database)
    with database.writing() as session:
        cancelled = jobs.cancel(session, job.id)
    assert cancelled is not None
    assert (cancelled.state, cancelled.token, cancelled.owner) == (JobState.CANCELLED, job.token + 1, None)
    with database.writing() as session:
        assert not jobs.heartbeat(session, job, "decoding", 0.5)
        assert not jobs.finish(session, job)
        assert not jobs.release(session, job)
        assert jobs.cancel(session, job.id) is None
        assert job_claims.claim(session, claimant("elsewhere:2", 0)) is None


def test_a_job_in_quarantine_is_tried_again_when_a_person_wants_it(database: Database) -> None:
    (deadly,) = enqueue(database)
    for _ in range(3):
        claim_one(database, patience_s=0)
    with database.writing() as session:
        (given_up,) = job_claims.give_up(session, claimant(patience_s=0))
    assert (given_up.id, given_up.error_code) == (deadly.id, "worker-died")
    with database.writing() as session:
        again = jobs.retry(session, deadly.id)
    assert again is not None
    assert (again.state, again.attempts, again.error_code) == (JobState.QUEUED, 0, None)
    assert claim_one(database).attempts == 1


def test_every_change_of_a_job_has_a_version_of_its_own_and_a_renewal_without_news_has_none(
    database: Database,
) -> None:
    (job,) = enqueue(database)
    seen = [read(database, job)[0].version]
    claimed = claim_one(database)
    seen.append(read(database, job)[0].version)
    for fraction in (0.25, 0.25, 0.5):
        with database.writing() as session:
            jobs.heartbeat(session, claimed, "decoding", fraction)
        seen.append(read(database, job)[0].version)
    with database.writing() as session:
        jobs.release(session, claimed)
    seen.append(read(database, job)[0].version)
    assert seen == [1, 2, 3, 3, 4, 5]
