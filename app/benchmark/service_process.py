"""A service in a process of its own, as it runs for its users, and calls to it over one open connection."""

import http.client
import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import perf_counter
from urllib.parse import urlencode

import uvicorn

from app.benchmark.plain_search import plain_services
from app.config import ServiceSettings
from app.dependencies import Services, build_services
from app.garbage import spare_what_stays
from app.listener import listen
from app.main import create_app
from model.factory import load_encoders

START_LIMIT_S = 900.0
"""A flat index of a million clips is read from the catalog first."""

CALL_LIMIT_S = 60.0

STOPPED_WITHIN_S = 30.0


@dataclass(frozen=True)
class ServiceFacts:
    """What answers."""

    port: int
    text_runtime: str
    index: str
    clips: int


class Caller:
    """One client: its connection stays open."""

    def __init__(self, port: int) -> None:
        """Connect with the first call."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CALL_LIMIT_S)

    def get(self, path: str) -> tuple[float, bytes]:
        """Return how many milliseconds an answer took, and its body; raises RuntimeError for another."""
        started = perf_counter()
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        body = response.read()
        milliseconds = (perf_counter() - started) * 1000
        if response.status != http.client.OK:
            raise RuntimeError(f"GET {path} answered {response.status}: {body[:200]!r}")
        return milliseconds, body

    def search(self, words: str) -> tuple[float, bytes]:
        """Return the same of a search."""
        return self.get(f"/search?{urlencode({'q': words})}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def service_process(settings: ServiceSettings, *, is_plain: bool = False) -> Iterator[ServiceFacts]:
    """Serve the library of ``settings`` while the block runs; raises RuntimeError when it does not start."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(settings, is_plain, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield _facts(ours)
    finally:
        ours.close()  # which is what it waits for
        process.join(STOPPED_WITHIN_S)
        if process.is_alive():
            process.kill()
            process.join()


def _facts(pipe: Connection) -> ServiceFacts:
    try:
        facts = pipe.recv() if pipe.poll(START_LIMIT_S) else None
    except EOFError:
        facts = None
    if not isinstance(facts, ServiceFacts):
        raise RuntimeError("the service to be measured did not start: see what it said above")
    return facts


def _serve(settings: ServiceSettings, is_plain: bool, pipe: Connection) -> None:
    encoders = load_encoders(settings.model, reduction=settings.reduction, device=settings.device)
    services = build_services(settings, encoders)
    if is_plain:
        services, text_runtime = plain_services(services), "torch, all places"
    else:
        encoders.text.prepare(settings.home_folder / "index")
        text_runtime = encoders.text.runtime
    services.calibrator.prepare()
    spare_what_stays()
    app = create_app(settings, services)
    stays_open_s = int(CALL_LIMIT_S)  # while the other service is asked, slowly on a busy machine
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_keep_alive=stays_open_s)
    server = uvicorn.Server(config)
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        pipe.send(ServiceFacts(port, text_runtime, _kind(services), len(services.follower)))
        threading.Thread(target=_stop_with, args=(pipe, server), daemon=True).start()
        server.run(sockets=[listener])
    services.follower.close()
    services.library.close()


def _stop_with(pipe: Connection, server: uvicorn.Server) -> None:
    """Stop the server when the other end of the pipe is closed, by intention or by death."""
    try:
        pipe.recv()
    except EOFError:
        server.should_exit = True


def _kind(services: Services) -> str:
    kind = services.follower.kind
    return f"ivf, reach {kind.reach:.3f}" if kind.name == "ivf" else kind.name
