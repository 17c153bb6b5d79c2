"""The time of ``GET /search`` over loopback, one request after another, as one person sees it."""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from urllib.parse import urlencode

import uvicorn

from app.dependencies import Services
from app.main import create_app

NOUNS = ("man", "woman", "dog", "child", "car", "bird", "ball", "cup", "boat", "horse")
VERBS = (
    "running",
    "sitting",
    "playing",
    "jumping",
    "waiting",
    "turning",
    "falling",
    "resting",
    "eating",
    "going",
)
START_LIMIT_S = 30


@dataclass(frozen=True)
class SearchFigures:
    """Milliseconds of each request."""

    clips: int
    """Clips searched."""
    new_words_ms: list[float]
    """Words that were never asked for: the text encoder runs."""
    known_words_ms: list[float]
    """The same words again: their vectors are remembered."""


def measure_searching(services: Services) -> SearchFigures:
    """Ask a hundred different queries twice over and return how long each took."""
    queries = [f"a {noun} {verb}" for noun in NOUNS for verb in VERBS]
    with _served(services) as connection:
        _ask(connection, "a search that warms up")
        new_words_ms = [_ask(connection, query) for query in queries]
        known_words_ms = [_ask(connection, query) for query in queries]
    return SearchFigures(len(services.follower), new_words_ms, known_words_ms)


def _ask(connection: http.client.HTTPConnection, words: str) -> float:
    started = time.perf_counter()
    connection.request("GET", f"/search?{urlencode({'q': words})}")
    response = connection.getresponse()
    body = response.read()
    if response.status != http.client.OK:
        raise RuntimeError(f"GET /search?q={words} answered {response.status}: {body[:200]!r}")
    return (time.perf_counter() - started) * 1000


@contextmanager
def _served(services: Services) -> Iterator[http.client.HTTPConnection]:
    """Serve on a free port of the loopback while the block runs; yields a connection that stays open."""
    app = create_app(services.settings, services)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False)
    )
    thread = Thread(target=server.run, name="benchmark-server")
    thread.start()
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise RuntimeError("the service to be measured did not start")
            time.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_S)
        yield connection
        connection.close()
    finally:
        server.should_exit = True
        thread.join()
