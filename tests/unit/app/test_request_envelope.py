"""The envelope around applications that misbehave."""

import asyncio
import json
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.request_envelope import RequestEnvelope


def app_that_sends(*messages: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def start(status: int, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [*headers]}


def part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


def test_an_error_of_another_form_becomes_a_problem_and_its_body_is_dropped() -> None:
    plain = app_that_sends(
        start(416, (b"content-type", b"text/plain"), (b"content-range", b"bytes */10"), (b"server", b"x")),
        part(b"some ", more=True),
        part(b"text"),
    )
    response = TestClient(RequestEnvelope(plain)).get("/file")
    assert response.status_code == 416
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["content-range"] == "bytes */10"
    assert response.json()["type"] == "/problems/range-not-satisfiable"


def test_a_problem_and_a_success_pass_unchanged() -> None:
    problem = json.dumps({"type": "/problems/own"}).encode()
    own = app_that_sends(start(404, (b"content-type", b"application/problem+json")), part(problem))
    assert TestClient(RequestEnvelope(own)).get("/").json() == {"type": "/problems/own"}
    fine = app_that_sends(start(200, (b"content-type", b"text/plain")), part(b"fine"))
    assert TestClient(RequestEnvelope(fine)).get("/").text == "fine"


def test_headers_that_the_application_chose_are_kept() -> None:
    own = app_that_sends(start(200, (b"content-security-policy", b"default-src 'none'")), part(b""))
    response = TestClient(RequestEnvelope(own)).get("/")
    assert response.headers["content-security-policy"] == "default-src 'none'"


@pytest.mark.allow_error_logs
def test_an_answer_that_breaks_in_the_middle_is_broken_for_the_client_too() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200))
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        TestClient(RequestEnvelope(app)).get("/")


@pytest.mark.allow_error_logs
def test_an_exception_before_the_answer_is_an_internal_error() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("secret")

    response: Any = TestClient(RequestEnvelope(app)).get("/")
    assert response.json()["type"] == "/problems/internal-error"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert "secret" not in response.text


def ended_by_cancelling(app: ASGIApp) -> tuple[list[Message], bool]:
    """Return what goes out when the request is cancelled once it waits, and whether it ends cancelled."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> bool:
        scope = {"type": "http", "method": "POST", "path": "/videos", "headers": []}
        task = asyncio.ensure_future(RequestEnvelope(app)(scope, receive, send))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    return sent, asyncio.run(run())


def test_a_request_that_is_cut_off_by_the_end_of_the_service_is_told_so() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(3600)

    (head, body), is_cancelled = ended_by_cancelling(app)
    assert head["status"] == 503
    assert json.loads(body["body"])["type"] == "/problems/stopping"
    assert not is_cancelled


def test_an_answer_that_is_cut_off_by_the_end_of_the_service_stays_cut_off() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200))
        await asyncio.sleep(3600)

    sent, is_cancelled = ended_by_cancelling(app)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert is_cancelled
