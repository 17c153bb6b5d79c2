"""SIGTERM while clients upload, delete, search and listen: it ends within ten seconds, no promise broken."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import httpx
import pytest

from tests.faults import judging
from tests.faults.films import render_films
from tests.faults.ledger import Ledger
from tests.faults.running_service import Home, running
from tests.faults.traffic import Clients
from tests.upload_forms import FORM_TYPE

ROUNDS = 6
PROMISED_S = 10.0


@contextmanager
def slow_client(url: str) -> Iterator[None]:
    """Send the beginning of an upload, and nothing more, while the block runs."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /videos HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM_TYPE}\r\nContent-Length: 99999\r\n"
        connection.sendall(f"{head}\r\n------boundary\r\n".encode())
        yield


@contextmanager
def listener(url: str) -> Iterator[None]:
    """Listen to the events of a job while the block runs."""

    def listen() -> None:
        try:
            (job, *_) = httpx.get(f"{url}/jobs", timeout=60).json()["data"]
            with httpx.stream("GET", f"{url}/jobs/{job['id']}/events", timeout=60) as events:
                for _ in events.iter_lines():
                    continue
        except (httpx.TransportError, ValueError, KeyError):
            return

    thread = threading.Thread(target=listen)
    thread.start()
    yield
    thread.join()


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_service_under_load_ends_within_ten_seconds_and_keeps_its_promises(either_home: Home) -> None:
    chance, ledger, took_s = Random(6), Ledger(), []
    films = render_films(either_home.folder, chance)
    for number in range(ROUNDS + 1):
        with running(either_home) as service, either_home.opened() as library:
            clients = Clients(service.url, ledger, films, number)
            clients.go_on_with_uploads()
            judging.drain(library)
            assert judging.faults(library, ledger, service.url) == []
            with clients.at_work(), slow_client(service.url), listener(service.url):
                time.sleep(chance.uniform(0.5, 2.0))
                asked_at = time.monotonic()
                assert service.end(PROMISED_S) == 0
                took_s.append(time.monotonic() - asked_at)
            ledger.refusals = [answer for answer in ledger.refusals if "/problems/stopping" not in answer]
        either_home.wait_for_workers()
    assert max(took_s) < PROMISED_S
