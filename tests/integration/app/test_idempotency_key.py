"""POST /videos with an Idempotency-Key, in both databases: sent again, it is answered as the first time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from httpx import Response

from indexer.catalog.states import JobState, VideoState
from indexer.catalog.tables import Job, Video
from tests.service import Service, open_service
from tests.upload_forms import CONTENT


@pytest.fixture
def service(tmp_path: Path, database_url: str) -> Iterator[Service]:
    """Yield a service on SQLite, then one on Postgres."""
    with open_service(tmp_path / "home", database_url=database_url) as service:
        yield service


def send(service: Service, key: str, content: bytes = CONTENT, **fields: str) -> Response:
    """Return the answer to an upload under a key."""
    files = {"file": ("film.mp4", content)}
    return service.client.post("/videos", files=files, data=fields, headers={"Idempotency-Key": key})  # type: ignore[return-value]


def test_a_repeated_request_is_about_the_same_job_whatever_became_of_it(service: Service) -> None:
    first = send(service, "one", title="A day").json()
    with service.library.database.writing() as session:
        session.get_one(Video, first["video_id"]).state = VideoState.FAILED
        session.get_one(Job, first["job_id"]).state = JobState.FAILED
    again = send(service, "one", title="A day").json()
    assert (again["video_id"], again["job_id"], again["state"]) == (
        first["video_id"],
        first["job_id"],
        "failed",
    )
    assert (
        send(service, "two", title="A day").json()["job_id"] != first["job_id"]
    )  # another request tries anew
    assert len(service.media_files()) == 1


@pytest.mark.parametrize("other", [{"content": b"another film"}, {"title": "Another"}])
def test_a_key_that_came_with_something_else_is_refused(service: Service, other: dict[str, object]) -> None:
    send(service, "one")
    answer = send(service, "one", **other)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(service.media_files()) == 1
    with service.library.database.reading() as session:
        assert session.query(Video).count() == session.query(Job).count() == 1


def test_a_key_goes_with_the_video_that_is_deleted(service: Service) -> None:
    first = send(service, "one").json()
    service.client.delete(first["video_url"])
    again = send(service, "one", content=b"another film")
    assert (again.status_code, again.json()["is_new"]) == (202, True)
    assert len(service.media_files()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "with blank", "tab\t"])
def test_a_key_that_is_none_is_refused(service: Service, key: str) -> None:
    answer = send(service, key)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "header"
    assert service.media_files() == []


def test_the_same_request_many_times_at_once_is_one(service: Service) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(service, "one"), range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert len(service.media_files()) == 1
