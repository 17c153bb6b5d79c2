"""Jobs: one winner for each claim, a fence against the slow, one open job a video."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from indexer.catalog import job_claims, jobs, videos
from indexer.catalog.columns import now
from indexer.catalog.session import Database
from indexer.catalog.states import JobState, VideoState
from tests.factories import make_video
from tests.job_claims import claim, claim_one, claimant, enqueue, read


def test_a_claim_takes_the_oldest_job_and_shows_that_its_video_is_being_indexed(database: Database) -> None:
    first, _ = enqueue(database, 2)

    claimed = claim_one(database)

    job, video = read(database, claimed)
    assert job.id == first.id
    assert (job.state, job.owner, job.token, job.attempts) == (JobState.RUNNING, "elsewhere:1", 1, 1)
    assert job.started_at is not None
    assert job.lease_until is not None
    assert timedelta(seconds=20) < job.lease_until - now() <= timedelta(seconds=30)
    assert video.state is VideoState.INDEXING


def test_there_is_nothing_to_claim_in_an_empty_queue_or_while_the_lease_holds(database: Database) -> None:
    assert claim(database) is None
    enqueue(database)
    assert claim(database) is not None
    assert claim(database) is None


def test_a_claim_among_given_jobs_leaves_the_others(database: Database) -> None:
    first, second = enqueue(database, 2)

    with database.writing() as session:
        job = job_claims.claim(session, claimant(), [second.id])
        nothing = job_claims.claim(session, claimant(), [second.id])
        neither = job_claims.claim(session, claimant(), [])

    assert job is not None
    assert (job.id, nothing, neither) == (second.id, None, None)
    assert read(database, first)[0].state is JobState.QUEUED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_claim_may_name_more_jobs_than_one_statement_takes(database: Database) -> None:
    (job,) = enqueue(database)

    with database.writing() as session:
        claimed = job_claims.claim(session, claimant(), [f"{n:032x}" for n in range(33_000)] + [job.id])

    assert claimed is not None
    assert claimed.id == job.id


def test_of_many_claimers_at_once_each_job_has_one_winner(database: Database) -> None:
    queued = {job.id for job in enqueue(database, 10)}

    def claim_until_empty(number: int) -> list[str]:
        won = []
        while (job := claim(database, f"elsewhere:{number}")) is not None:
            won.append(job.id)
        return won

    with ThreadPoolExecutor(4) as threads:
        won = [job_id for ids in threads.map(claim_until_empty, range(4)) for job_id in ids]

    assert len(won) == 10
    assert set(won) == queued


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_on_postgres_a_claim_in_progress_is_skipped_and_not_waited_for(database: Database) -> None:
    first, second = enqueue(database, 2)

    with database.writing() as one, database.writing() as other:
        claimed = job_claims.claim(one, claimant("elsewhere:1"))
        beside = job_claims.claim(other, claimant("elsewhere:2"))

    assert claimed is not None
    assert beside is not None
    assert (claimed.id, beside.id) == (first.id, second.id)


def test_a_worker_that_lost_its_lease_can_neither_renew_nor_end_the_job(database: Database) -> None:
    enqueue(database)
    stale = claim_one(database, "elsewhere:1")
    current = claim_one(database, "elsewhere:2", patience_s=0)
    assert (stale.id, stale.token, current.token) == (current.id, 1, 2)

    with database.writing() as session:
        assert not jobs.heartbeat(session, stale, "encoding", 0.5)
        assert not jobs.finish(session, stale)
        assert not jobs.fail(session, stale, "not-a-video", "it is none")
        assert not jobs.release(session, stale)
    job, video = read(database, current)
    assert (job.state, job.stage, job.owner) == (JobState.RUNNING, "starting", "elsewhere:2")
    assert video.state is VideoState.INDEXING

    with database.writing() as session:
        assert jobs.finish(session, current)
    job, video = read(database, current)
    assert (job.state, job.stage, job.fraction, job.owner) == (JobState.DONE, "done", 1.0, None)
    assert job.finished_at is not None
    assert video.state is VideoState.READY


def test_a_job_ends_once(database: Database) -> None:
    enqueue(database)
    job = claim_one(database)

    with database.writing() as session:
        assert jobs.finish(session, job)
        assert not jobs.fail(session, job, "no-frames", "too late")
        assert not jobs.release(session, job)

    assert read(database, job)[0].state is JobState.DONE


def test_a_heartbeat_keeps_the_lease_and_publishes_the_progress(database: Database) -> None:
    enqueue(database)
    job = claim_one(database)

    with database.writing() as session:
        assert jobs.heartbeat(session, job, "encoding", 0.25)

    stored, _ = read(database, job)
    assert (stored.stage, stored.fraction) == ("encoding", 0.25)
    assert claim(database) is None


def test_a_failed_job_fails_its_video_with_the_reason_and_is_not_tried_again(database: Database) -> None:
    enqueue(database)
    job = claim_one(database)

    with database.writing() as session:
        assert jobs.fail(session, job, "no-frames", "not one frame decodes")

    stored, video = read(database, job)
    assert (stored.state, stored.error_code) == (JobState.FAILED, "no-frames")
    assert (video.state, video.error_code) == (VideoState.FAILED, "no-frames")
    assert (stored.error_message, video.error_message) == ("not one frame decodes",) * 2
    assert claim(database) is None


def test_a_released_job_is_claimed_again_and_the_attempt_does_not_count(database: Database) -> None:
    enqueue(database)
    for _ in range(5):  # more often than a video may kill its worker
        job = claim_one(database)
        with database.writing() as session:
            assert jobs.release(session, job)
        assert read(database, job)[1].state is VideoState.PENDING

    assert claim_one(database).attempts == 1


def test_enqueuing_a_video_again_returns_its_open_job(database: Database) -> None:
    (job,) = enqueue(database)
    with database.writing() as session:
        assert jobs.enqueue(session, job.video_id).id == job.id
    claim(database)
    with database.writing() as session:
        assert jobs.enqueue(session, job.video_id).id == job.id
    assert read(database, job)[0].state is JobState.RUNNING


def test_enqueuing_a_failed_video_starts_anew_without_its_old_error(database: Database) -> None:
    enqueue(database)
    failed = claim_one(database)
    with database.writing() as session:
        jobs.fail(session, failed, "decoder-crashed", "it crashed")

    with database.writing() as session:
        job = jobs.enqueue(session, failed.video_id)

    assert job.id != failed.id
    _, video = read(database, job)
    assert (video.state, video.error_code, video.error_message) == (VideoState.PENDING, None, None)
    with database.reading() as session:
        assert jobs.latest(session, [failed.video_id, "unknown"])[failed.video_id].id == job.id


def test_requests_that_enqueue_the_same_video_at_once_share_one_job(database: Database) -> None:
    video = make_video()
    with database.writing() as session:
        session.add(video)

    def enqueue_it(_: int) -> str:
        with database.writing() as session:
            return jobs.enqueue(session, video.id).id

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(enqueue_it, range(8)))) == 1


def test_enqueuing_an_unknown_video_is_refused(database: Database) -> None:
    with pytest.raises(LookupError, match="no video nowhere"), database.writing() as session:
        jobs.enqueue(session, "nowhere")


def test_deleting_a_video_takes_its_running_job_from_the_worker(database: Database) -> None:
    enqueue(database)
    job = claim_one(database)

    with database.writing() as session:
        assert videos.delete(session, job.video_id)

    with database.writing() as session:
        assert not jobs.heartbeat(session, job, "encoding", 0.5)
        assert not jobs.finish(session, job)
        assert jobs.get(session, job.id) is None
