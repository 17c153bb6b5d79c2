"""A service that is told to stop while everything is under way: nothing is dropped, and it is quick."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from indexer.catalog.states import JobState, VideoState
from indexer.config import Settings
from indexer.library import Library, open_library
from tests.indexing import enqueue, the_job, the_video, thumbnails
from tests.integration.app.test_serving import free_port, wait_until_it_answers
from tests.synthetic_video import write_plain

PROMISED_S = 10.0
PATIENCE_S = 90.0

# The real command with a model that takes seconds for a search, and a worker whose encoder never comes back.
SERVE = textwrap.dedent(
    """
    import dataclasses, functools, sys, time
    import model.factory
    from app import cli, serving
    from app.worker_supervision import WorkerSupervisor
    from tests import fakes

    class SlowEncoder(fakes.FakeTextEncoder):
        def encode_readable(self, text):
            if text == "slowly":
                time.sleep(3)
            return super().encode_readable(text)

    encoders = dataclasses.replace(fakes.fake_encoders(), text=SlowEncoder())
    model.factory.load_encoders = lambda *_, **__: encoders
    worker = (sys.executable, "-m", "tests.stuck_process", sys.argv[2], "0", "worker")
    serving.WorkerSupervisor = functools.partial(WorkerSupervisor, command=worker)
    sys.argv = ["reelseek", "serve", "--workers", "1", "--port", sys.argv[1]]
    cli.main()
    """
)


@pytest.fixture
def job_id(tmp_path: Path) -> str:
    """Return a queued job of the library."""
    library = open_library(Settings(home=tmp_path / "home"))
    queued = enqueue(library, write_plain(tmp_path / "a.mp4"))
    library.close()
    return queued


@contextmanager
def library_of(tmp_path: Path) -> Iterator[Library]:
    library = open_library(Settings(home=tmp_path / "home"))
    yield library
    library.close()


@contextmanager
def served(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Yield the service's process once it answers and its worker is stuck in the middle of the job."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "REELSEEK_HOME": str(tmp_path / "home"),
        "OMP_NUM_THREADS": "1",
    }
    marker = tmp_path / "stuck"
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(port), str(marker)], env=environment, cwd=tmp_path
    )
    try:
        wait_until_it_answers(process, f"http://127.0.0.1:{port}/ready")
        give_up_at = time.monotonic() + PATIENCE_S
        while not marker.exists():
            assert time.monotonic() < give_up_at
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


class Request:
    """A request under way, in a thread."""

    def __init__(self, url: str) -> None:
        self.url, self.answer, self.status = url, b"", 0
        self.has_begun = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def wait(self) -> bytes:
        self._thread.join()
        return self.answer

    def _send(self) -> None:
        with urlopen(self.url, timeout=PATIENCE_S) as response:
            self.status = response.status
            self.answer = response.readline()
            self.has_begun.set()
            self.answer += response.read()  # raises IncompleteRead when the connection breaks


def test_a_service_that_is_told_to_stop_answers_what_is_under_way_and_gives_its_job_back(
    tmp_path: Path, job_id: str
) -> None:
    port = free_port()
    with served(tmp_path, port) as process:
        stream = Request(f"http://127.0.0.1:{port}/jobs/{job_id}/events")
        assert stream.has_begun.wait(PATIENCE_S)
        search = Request(f"http://127.0.0.1:{port}/search?q=slowly")
        time.sleep(0.5)  # so that it is under way

        asked_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        took_s = time.monotonic() - asked_at

    assert (search.wait()[:1], search.status) == (b"{", 200)
    assert b"data: " in stream.wait()
    assert took_s < PROMISED_S
    with library_of(tmp_path) as library:
        job = the_job(library, job_id)
        assert (job.state, job.attempts, job.owner) == (JobState.QUEUED, 0, None)
        assert the_video(library).state is VideoState.PENDING
        assert thumbnails(library) == []
