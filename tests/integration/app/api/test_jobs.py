"""Jobs over HTTP: reading, listing, cancelling and trying again."""

from datetime import UTC, datetime, timedelta

import pytest

from indexer.catalog import job_claims, jobs
from indexer.catalog.states import JobState, Priority, VideoState
from indexer.catalog.tables import Job, Video
from tests.factories import make_job, make_video
from tests.job_claims import claimant
from tests.service import Service

BEGAN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def add_job(service: Service, **fields: object) -> Job:
    """Return a job of a video of its own, both as they are told."""
    with service.library.database.writing() as session:
        video = make_video()
        session.add(video)
        session.flush()
        job = make_job(video, **fields)
        session.add(job)
    return job


def video_of(service: Service, job: Job) -> Video:
    with service.library.database.reading() as session:
        return session.get_one(Video, job.video_id)


def test_a_job_tells_how_far_it_is_and_how_long_it_will_take(service: Service) -> None:
    job = add_job(
        service,
        state=JobState.RUNNING,
        stage="decoding",
        fraction=0.25,
        attempts=1,
        version=7,
        priority=Priority.UPLOAD,
        claimed_at=BEGAN,
        lease_until=BEGAN + timedelta(seconds=20 + 30),  # its worker was last heard 20 s after it had begun
    )
    told = service.client.get(f"/jobs/{job.id}").json()
    assert told.pop("created_at").endswith("Z")
    assert told == {
        "id": job.id,
        "video_id": job.video_id,
        "generation": None,
        "priority": 10,
        "state": "running",
        "stage": "decoding",
        "fraction": 0.25,
        "eta_s": 60.0,
        "attempts": 1,
        "version": 7,
        "error": None,
        "started_at": None,
        "finished_at": None,
    }


@pytest.mark.parametrize(("fraction", "elapsed_s"), [(0.0, 20), (0.005, 20), (0.5, 1), (0.5, -3600)])
def test_nobody_guesses_how_long_a_job_takes_that_has_hardly_begun(
    service: Service, fraction: float, elapsed_s: float
) -> None:
    job = add_job(
        service,
        state=JobState.RUNNING,
        fraction=fraction,
        claimed_at=BEGAN,
        lease_until=BEGAN + timedelta(seconds=elapsed_s + 30),
    )
    assert service.client.get(f"/jobs/{job.id}").json()["eta_s"] is None


def test_a_failed_job_tells_why_and_what_to_do(service: Service) -> None:
    job = add_job(service, state=JobState.FAILED, error_code="not-a-video", error_message="it is a text")
    error = service.client.get(f"/jobs/{job.id}").json()["error"]
    assert error.pop("advice").startswith("Add a video file")
    assert error == {"code": "not-a-video", "message": "it is a text"}


@pytest.mark.parametrize(
    "call", ["GET /jobs/x", "GET /jobs/x/events", "POST /jobs/x/cancel", "POST /jobs/x/retry"]
)
def test_an_unknown_job_is_a_problem(service: Service, call: str) -> None:
    response = service.client.request(*call.split())
    assert (response.status_code, response.json()["type"]) == (404, "/problems/unknown-job")


def test_jobs_are_listed_newest_first_in_pages_and_by_state_and_video(service: Service) -> None:
    states = [JobState.QUEUED, JobState.FAILED, JobState.RUNNING, JobState.FAILED, JobState.DONE]
    made = [
        add_job(service, state=state, created_at=BEGAN + timedelta(seconds=number))
        for number, state in enumerate(states)
    ]
    listed, cursor = [], None
    for _ in range(3):
        answer = service.client.get(
            "/jobs", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
        ).json()
        listed += [job["id"] for job in answer["data"]]
        cursor = answer["page_info"]["next_cursor"]
    assert cursor is None
    assert listed == [job.id for job in reversed(made)]

    def ids(**parameters: str | list[str]) -> list[str]:
        return [job["id"] for job in service.client.get("/jobs", params=parameters).json()["data"]]

    assert ids(state="failed") == [made[3].id, made[1].id]
    assert ids(state=["queued", "running"]) == [made[2].id, made[0].id]
    assert ids(video_id=made[4].video_id) == [made[4].id]
    assert ids(video_id="nobody's") == []
    assert service.client.get("/jobs", params={"state": "lost"}).status_code == 422
    assert service.client.get("/jobs", params={"cursor": "AAAA"}).json()["type"] == "/problems/invalid-cursor"


def test_a_cancelled_job_is_over_at_once_and_its_video_says_so(service: Service) -> None:
    job = add_job(service)
    for _ in range(2):  # a request that is repeated changes nothing
        answer = service.client.post(f"/jobs/{job.id}/cancel")
        assert answer.status_code == 200
        told = answer.json()
        assert (told["state"], told["error"]["code"], told["version"]) == ("cancelled", "cancelled", 1)
    video = video_of(service, job)
    assert (video.state, video.error_code) == (VideoState.FAILED, "cancelled")


def test_a_retried_job_waits_again_as_if_nothing_had_been(service: Service) -> None:
    job = add_job(
        service,
        state=JobState.FAILED,
        error_code="worker-died",
        error_message="died",
        attempts=3,
        started_at=BEGAN,
    )
    for _ in range(2):
        answer = service.client.post(f"/jobs/{job.id}/retry")
        assert (answer.status_code, answer.headers["location"]) == (202, f"/jobs/{job.id}")
        told = answer.json()
        assert (told["state"], told["attempts"], told["error"]) == ("queued", 0, None)
        assert (told["started_at"], told["finished_at"]) == (None, None)
    assert video_of(service, job).state is VideoState.PENDING


def test_orders_that_come_too_late_or_twice_are_refused(service: Service) -> None:
    done = add_job(service, state=JobState.DONE)
    failed = add_job(service, state=JobState.FAILED, error_code="no-frames")
    with service.library.database.writing() as session:
        another = jobs.enqueue(session, failed.video_id)
        job_claims.claim(session, claimant())

    def refused(job: Job, order: str) -> str:
        answer = service.client.post(f"/jobs/{job.id}/{order}")
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/job-conflict")
        return str(answer.json()["detail"])

    assert "is done already" in refused(done, "cancel")
    assert "nothing is left to try again" in refused(done, "retry")
    assert "is failed already" in refused(failed, "cancel")
    assert f"/jobs?video_id={failed.video_id}" in refused(failed, "retry")
    assert service.client.post(f"/jobs/{another.id}/retry").json()["state"] == "running"
