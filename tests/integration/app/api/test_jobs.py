"""Jobs."""

from indexer.catalog.states import JobState
from tests.factories import make_job
from tests.service import Service


def test_a_job_tells_how_far_it_is(service: Service) -> None:
    video = service.add_video([])
    job = make_job(video, state=JobState.RUNNING, stage="decoding", fraction=0.25, attempts=1)
    with service.library.database.writing() as session:
        session.add(job)
    told = service.client.get(f"/jobs/{job.id}").json()
    assert told.pop("created_at").endswith("Z")
    assert told == {
        "id": job.id,
        "video_id": video.id,
        "state": "running",
        "stage": "decoding",
        "fraction": 0.25,
        "attempts": 1,
        "error": None,
        "started_at": None,
        "finished_at": None,
    }


def test_a_failed_job_tells_why(service: Service) -> None:
    video = service.add_video([])
    job = make_job(video, state=JobState.FAILED, error_code="not-a-video", error_message="it is a text")
    with service.library.database.writing() as session:
        session.add(job)
    error = service.client.get(f"/jobs/{job.id}").json()["error"]
    assert error == {"code": "not-a-video", "message": "it is a text"}


def test_an_unknown_job_is_a_problem(service: Service) -> None:
    response = service.client.get("/jobs/nothing")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/unknown-job")
