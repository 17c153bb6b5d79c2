"""The stream of a job's events, as browsers read it; hundreds of them beside searches."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, NamedTuple

import pytest
import uvicorn

from app.main import create_app
from app.serving import DrainingServer
from indexer.catalog import job_claims, jobs, videos
from indexer.catalog.tables import Job
from tests.factories import make_video
from tests.job_claims import claimant
from tests.service import Service

STREAMS = 300
PATIENCE_S = 60.0


class Event(NamedTuple):
    id: int | None
    kind: str
    data: dict[str, Any]


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.jobs.feed.LOOK_S", 0.02)


@pytest.fixture
def job(service: Service) -> Job:
    """Return a queued job."""
    with service.library.database.writing() as session:
        video = make_video()
        session.add(video)
        session.flush()
        return jobs.enqueue(session, video.id)


def events_of(stream: str) -> list[Event]:
    """Return the events of a stream, without its comments and its advice when to connect again."""
    events = []
    for block in stream.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            event_id = int(fields["id"]) if "id" in fields else None
            events.append(Event(event_id, fields.get("event", "message"), json.loads(fields["data"])))
    return events


@contextmanager
def meanwhile(*steps: Callable[[], object]) -> Iterator[None]:
    """Do ``steps`` in another thread, with time between them for a stream to notice."""

    def work() -> None:
        for step in steps:
            time.sleep(0.2)
            step()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


def index(service: Service) -> Iterator[Callable[[], object]]:
    """Yield what a worker does with the next job, step by step."""
    held: list[Job] = []

    def claim() -> None:
        with service.library.database.writing() as session:
            job = job_claims.claim(session, claimant())
        assert job is not None
        held.append(job)

    def report() -> None:
        with service.library.database.writing() as session:
            assert jobs.heartbeat(session, held[0], "decoding", 0.5)

    def finish() -> None:
        with service.library.database.writing() as session:
            assert jobs.finish(session, held[0])

    yield from (claim, report, finish)


def test_a_stream_tells_each_state_with_the_version_as_its_id_and_ends_after_the_last(
    service: Service, job: Job
) -> None:
    with meanwhile(*index(service)):
        response = service.client.get(f"/jobs/{job.id}/events")

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    assert response.text.startswith("retry: ")
    events = events_of(response.text)
    assert [(event.id, event.data["state"], event.data["stage"]) for event in events] == [
        (1, "queued", "queued"),
        (2, "running", "starting"),
        (3, "running", "decoding"),
        (4, "done", "done"),
    ]
    assert events[-1].data == service.client.get(f"/jobs/{job.id}").json()


def test_who_connects_again_hears_of_nothing_that_is_known(service: Service, job: Job) -> None:
    with meanwhile(*index(service)):
        response = service.client.get(f"/jobs/{job.id}/events", headers={"Last-Event-ID": "1"})
    assert [event.id for event in events_of(response.text)] == [2, 3, 4]

    def again(last_event_id: str) -> tuple[int, list[int | None]]:
        answer = service.client.get(f"/jobs/{job.id}/events", headers={"Last-Event-ID": last_event_id})
        return answer.status_code, [event.id for event in events_of(answer.text)]

    assert again("2") == (200, [4])
    assert again("4") == (204, [])  # a browser stops connecting then
    for strange in ("9" * 30, "-1", "", "of another service"):
        assert again(strange) == (200, [4])


def test_a_stream_without_news_is_kept_open_by_comments(
    service: Service, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.events.HEARTBEAT_S", 0.05)
    with meanwhile(*index(service)):
        stream = service.client.get(f"/jobs/{job.id}/events").text
    assert stream.count("\n: ") >= 3


def test_a_stream_of_a_job_whose_video_is_deleted_says_so_and_ends(service: Service, job: Job) -> None:
    def delete() -> None:
        with service.library.database.writing() as session:
            assert videos.delete(session, job.video_id)

    with meanwhile(delete):
        events = events_of(service.client.get(f"/jobs/{job.id}/events").text)
    assert [event.kind for event in events] == ["message", "deleted"]
    assert events[-1].data == {"id": job.id}


@contextmanager
def served(service: Service) -> Iterator[tuple[uvicorn.Server, int]]:
    """Serve over a real socket, in a thread; yield the server and its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=STREAMS) as listener:
        config = uvicorn.Config(create_app(service.services.settings, service.services), log_config=None)
        server = DrainingServer(config, service.services.job_feed.end)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def open_stream(port: int, job: Job) -> socket.socket:
    """Return a connection on which the events of ``job`` will come."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    connection.sendall(f"GET /jobs/{job.id}/events HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    return connection


def wait_for_first_event(connection: socket.socket) -> None:
    received = b""
    while b'"state":"queued"' not in received:
        received += connection.recv(65536)


def rest_of(connection: socket.socket) -> bytes:
    """Return what comes up to the end of the answer, which is a chunk of no bytes."""
    received = b""
    while not received.endswith(b"0\r\n\r\n"):
        chunk = connection.recv(65536)
        assert chunk, "the connection broke in the middle of the stream"
        received += chunk
    return received


def test_hundreds_of_open_streams_take_no_thread_and_searches_are_answered(
    service: Service, job: Job
) -> None:
    service.add_video(["a cat"])
    with served(service) as (_, port), ExitStack() as streams:
        threads_before = threading.active_count()
        opened = [streams.enter_context(closing(open_stream(port, job))) for _ in range(STREAMS)]
        for connection in opened:
            wait_for_first_event(connection)
        for _ in range(5):
            search = streams.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=10)))
            search.sendall(b"GET /search?q=a+cat HTTP/1.0\r\n\r\n")
            assert search.recv(100).startswith(b"HTTP/1.1 200")
        assert threading.active_count() <= threads_before + 5

        with service.library.database.writing() as session:
            jobs.cancel(session, job.id)
        assert all(b'"state":"cancelled"' in rest_of(connection) for connection in opened)


def test_a_service_that_is_stopped_ends_its_streams_in_order(service: Service, job: Job) -> None:
    with served(service) as (server, port), closing(open_stream(port, job)) as connection:
        wait_for_first_event(connection)
        server.should_exit = True
        assert b"data" not in rest_of(connection)
