"""The indexing workers of ``reelseek serve``: started, restarted when they die, ended with the service."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from time import monotonic
from types import TracebackType
from typing import Self

from indexer.config import Settings

WORKER_COMMAND = (sys.executable, "-m", "app.worker_process")

CHECK_EVERY_S = 0.5

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
"""Between a worker's death and the next start; doubled each time, as what kills it may stay for long."""

HEALTHY_AFTER_S = 60.0
"""A worker that lived this long starts its successor's pauses anew."""

DRAIN_S = 9.0
"""How long a worker may take to give its job back, from when it was told to, before it is killed."""

log = logging.getLogger(__name__)


def worker_environment(settings: Settings) -> dict[str, str]:
    """Return this process's environment with the settings that a worker needs to see the same library."""
    shared = settings.model_dump(include=set(Settings.model_fields) & settings.model_fields_set)
    return {**os.environ, **{f"REELSEEK_{name.upper()}": str(value) for name, value in shared.items()}}


class WorkerSupervisor:
    """A context in which ``count`` worker processes run."""

    def __init__(
        self, count: int, environment: Mapping[str, str], command: Sequence[str] = WORKER_COMMAND
    ) -> None:
        self._workers = [_SupervisedProcess(command, environment) for _ in range(count)]
        self._is_over = threading.Event()
        self._changing = threading.Lock()
        self._thread = threading.Thread(target=self._supervise, name="worker-supervision", daemon=True)

    @property
    def process_ids(self) -> list[int]:
        """Return the ids of the workers that run now."""
        return [worker.process.pid for worker in self._workers if worker.process is not None]

    def __enter__(self) -> Self:
        """Start the workers."""
        for worker in self._workers:
            worker.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers; each gives its job back first."""
        self.ask_to_end()
        self._thread.join()
        for worker in self._workers:
            worker.wait_or_kill()

    def ask_to_end(self) -> None:
        """Tell the workers to give their jobs back and to end, and start no other; waits for nothing."""
        with self._changing:
            if self._is_over.is_set():
                return
            self._is_over.set()
            for worker in self._workers:
                worker.ask_to_end()

    def _supervise(self) -> None:
        while not self._is_over.wait(CHECK_EVERY_S):
            with self._changing:
                if not self._is_over.is_set():
                    self._restart_dead()

    def _restart_dead(self) -> None:
        for worker in self._workers:
            worker.restart_if_dead()


class _SupervisedProcess:
    """One place for a worker, and how long it stays empty after a death."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = command, environment
        self.process: subprocess.Popen[bytes] | None = None
        self._started_at, self._restart_at = 0.0, 0.0
        self._pause_s = FIRST_PAUSE_S
        self._kill_at = 0.0

    def start(self) -> None:
        self._started_at = monotonic()
        self.process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.PIPE,  # closes when we die, and so tells the worker
            start_new_session=True,  # Ctrl-C is for us; we tell the workers
        )

    def restart_if_dead(self) -> None:
        if self.process is None:
            if monotonic() >= self._restart_at:
                self.start()
            return
        status = self.process.poll()
        if status is None:
            return
        self._bury()
        if monotonic() - self._started_at >= HEALTHY_AFTER_S:
            self._pause_s = FIRST_PAUSE_S
        self._restart_at = monotonic() + self._pause_s
        log.warning(
            "a worker died; the next one starts soon",
            extra={"action": "worker_died", "status": status, "pause_s": self._pause_s},
        )
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def ask_to_end(self) -> None:
        if self.process is not None:
            self._kill_at = monotonic() + DRAIN_S
            self.process.terminate()

    def wait_or_kill(self) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, self._kill_at - monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("a worker did not end in time and is killed", extra={"action": "worker_killed"})
            self.process.kill()
            self.process.wait()
        self._bury()

    def _bury(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None
