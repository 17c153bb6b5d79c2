"""A running ReelSeek and a real browser on it, for the tests of the page."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *"--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync".split(),
    *"--disable-background-networking --disable-component-update".split(),
    "--host-resolver-rules=MAP *.test 127.0.0.1",
]
START_TIMEOUT_S = 120.0  # importing torch on a busy machine
EXPECT_TIMEOUT_MS = 20_000


@dataclass(frozen=True)
class Server:
    """A running ReelSeek: where it is and what it logged."""

    url: str
    log: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run ReelSeek over an empty library."""
    with run_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@contextmanager
def run_server(folder: Path) -> Iterator[Server]:
    """Run `python -m app serve` with its worker over an empty library in a folder, the model being `tiny`."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REELSEEK_")}
    environment |= {"REELSEEK_HOME": str(folder / "home"), "REELSEEK_MODEL": "tiny", "PYTHONPATH": str(ROOT)}
    running = Server(f"http://127.0.0.1:{port}", folder / "server.log")
    with running.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(port)],
            cwd=folder,  # not the root: a developer's .env is not for this server
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_ready(running, process)
            yield running
        finally:
            stop(process)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the machine's Chromium; skip where there is none."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(BROWSERS)} is on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        expect.set_options(timeout=EXPECT_TIMEOUT_MS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """Open the start page; fail the test if a script of the page failed or was blocked."""
    page = browser.new_page(base_url=server.url, viewport={"width": 1280, "height": 860})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto("/")
    yield page
    page.close()
    # The browser itself logs each refused request; how the page shows those is for the tests to say.
    assert [problem for problem in problems if not problem.startswith("Failed to load resource")] == []


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Return once the server answers that it is ready; fails with its log when it ends or takes too long."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"{server.url}/ready") as answer:
                if answer.status == 200:
                    return
        except (URLError, ConnectionError):
            time.sleep(0.2)
    pytest.fail(f"the server did not get ready:\n{server.log.read_text()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server as Ctrl-C does, which ends its worker; kill it when it does not listen."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
