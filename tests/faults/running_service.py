"""A really running ``reelseek serve`` with its worker, for tests that kill them."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.config import ServiceSettings
from indexer.library import Library, open_unswept
from tests.faults.nursery import ADDRESS, ForkedProcess
from tests.upload_server import free_port

START_LIMIT_S = 90.0
WORKERS_END_WITHIN_S = 15.0
LOOK_S = 0.05
LONG_AGO_S = 2 * 3600.0


@dataclass(frozen=True)
class Home:
    """A library that services come and go on."""

    folder: Path
    database_url: str
    nursery: str

    @property
    def environment(self) -> dict[str, str]:
        """Return what a process of it is told."""
        named = {
            "REELSEEK_HOME": str(self.folder / "home"),
            "REELSEEK_DATABASE_URL": self.database_url,
            "REELSEEK_MIN_FREE_BYTES": "0",
            "REELSEEK_MODEL": "fake",
            "OMP_NUM_THREADS": "1",
            "NURSERY_LOG": str(self.log),
            ADDRESS: self.nursery,
        }
        return {**os.environ, **named}

    @property
    def log(self) -> Path:
        """Return where all processes of it write."""
        return self.folder / "log"

    def settings(self) -> ServiceSettings:
        """Return the settings of its processes, for looking on from here."""
        return ServiceSettings(home=self.folder / "home", database_url=self.database_url, min_free_bytes=0)

    @contextmanager
    def opened(self) -> Iterator[Library]:
        """Yield the library, opened from here too, with nothing swept."""
        library = open_unswept(self.settings())
        try:
            yield library
        finally:
            library.close()

    def kill_workers(self) -> int:
        """Kill all of its workers that have started, and return how many there were."""
        killed = 0
        for path in self.folder.glob("worker-*"):
            try:
                os.kill(int(path.name.removeprefix("worker-")), signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
            path.unlink()
        return killed

    def worker_ids(self) -> list[int]:
        """Return the processes of the workers that have started."""
        return [int(path.name.removeprefix("worker-")) for path in self.folder.glob("worker-*")]

    def is_any_worker_dead(self) -> bool:
        """Return whether a worker that has started is gone."""
        return not all(_lives(process_id) for process_id in self.worker_ids())

    def wait_for_workers(self) -> None:
        """Return when no worker is left; their service has ended, which tells them."""
        give_up_at = time.monotonic() + WORKERS_END_WITHIN_S
        while any(_lives(process_id) for process_id in self.worker_ids()):
            assert time.monotonic() < give_up_at, "a worker outlives its service"
            time.sleep(LOOK_S)
        for path in self.folder.glob("worker-*"):
            path.unlink()

    def let_an_hour_pass(self) -> None:
        """Make all files older than what may still belong to a process that lives; none may live now."""
        for path in (self.folder / "home").rglob("*"):
            if path.is_file() and not path.name.startswith("reelseek.db"):
                os.utime(path, (time.time() - LONG_AGO_S,) * 2)


@dataclass(frozen=True)
class RunningService:
    """The service and how to end it."""

    url: str
    process: ForkedProcess

    def kill_web(self) -> None:
        """Kill the service alone; its workers notice."""
        self.process.kill()
        self.process.wait()

    def end(self, within_s: float) -> int:
        """Stop it in order, and return its exit status; raises subprocess.TimeoutExpired."""
        self.process.terminate()
        return self.process.wait(within_s)


@contextmanager
def running(home: Home, **environment: str) -> Iterator[RunningService]:
    """Yield a service once it is ready; kill what is left of it at the end."""
    port = free_port()
    service = RunningService(f"http://127.0.0.1:{port}", start(home, "serve", str(port), **environment))
    try:
        wait_until_ready(home, service)
        yield service
    finally:
        service.process.kill()
        service.process.wait()


def start(home: Home, *command: str, **environment: str) -> ForkedProcess:
    """Return a process of the library, just forked."""
    return ForkedProcess(command, {**home.environment, **environment})


def wait_until_ready(home: Home, service: RunningService) -> None:
    """Return when the service answers."""
    give_up_at = time.monotonic() + START_LIMIT_S
    while True:
        said = home.log.read_text(errors="replace")[-4000:] if home.log.exists() else ""
        assert service.process.poll() is None, f"the service ended: {said}"
        assert time.monotonic() < give_up_at, f"the service does not answer: {said}"
        try:
            if httpx.get(f"{service.url}/ready", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(LOOK_S)


def _lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
