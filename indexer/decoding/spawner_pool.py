"""Warm spawners, one for each decode that runs at a time: a decode borrows one, and gives it back.

A spawner is started when none is free, and ended after `VIDEOS_PER_SPAWNER` videos or when it dies: whatever
a video might find out about the layout of its memory, and whatever a library leaks, does not last.
"""

import atexit
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from indexer.decoding.spawn_request import KILL, SpawnRequest
from indexer.errors import DecoderDied

SPAWNER_COMMAND = (sys.executable, "-P", "-m", "indexer.decoding.spawner")
"""`-P` keeps the current folder, which may be anybody's, out of the import path."""

VIDEOS_PER_SPAWNER = 100
"""Starting a spawner takes 0.7 s: with so many videos each, 7 ms a video."""

MAX_IDLE = min(8, os.cpu_count() or 1)
"""Each idle spawner holds some 80 MB until its own time is over."""

START_S = 60.0
"""A cold disk takes a while to import from."""

DEATH_S = 5.0
"""A killed process is gone in milliseconds; one that waits for a broken disk may not be."""

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")
"""The spawner sees no other variable: passwords and tokens stay with us."""

log = logging.getLogger(__name__)


class SpawnerGoneError(Exception):
    """A spawner died or does not answer."""


class Spawner:
    """The parent's side of one spawner process."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it; raises SpawnerGoneError, TimeoutError, and OSError where none can be had."""
        self.videos = 0
        ours, theirs = socket.socketpair()
        self._control, self._heard = ours, b""
        with theirs:
            # A group of its own: Ctrl-C is for us, and a kill of the group ends its child too.
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                close_fds=True,
                env=spawner_environment(),
                process_group=0,
            )
        try:
            self.protections: dict[str, bool] = self.answer("ready", START_S)
        except (SpawnerGoneError, TimeoutError):
            self.end()
            raise

    def spawn(self, request: SpawnRequest, messages: int, errors: int) -> int:
        """Return the process id of a new child that writes to the two open files; raises SpawnerGoneError."""
        self.videos += 1
        try:
            line = request.line()
            sent = socket.send_fds(self._control, [line], [messages, errors])
            self._control.sendall(line[sent:])
        except OSError as error:
            raise SpawnerGoneError from error
        return int(self.answer("pid", START_S))

    def kill_child(self) -> None:
        """Ask for the end of the child."""
        try:
            self._control.sendall(KILL + b"\n")
        except OSError:
            self.end()

    def answer(self, key: str, patience_s: float | None) -> Any:
        """Return what the spawner says of `key` next; raises SpawnerGoneError, TimeoutError."""
        try:
            self._control.settimeout(patience_s)
            while b"\n" not in self._heard:
                heard = self._control.recv(4096)
                if not heard:
                    raise SpawnerGoneError
                self._heard += heard
        except TimeoutError:
            raise
        except OSError as error:
            raise SpawnerGoneError from error
        line, self._heard = self._heard.split(b"\n", 1)
        return json.loads(line)[key]

    def end(self) -> None:
        """End the process and its child, and reap it; calling again does nothing."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # it is dead already
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._control.close()


class Ended(NamedTuple):
    """How a child ended: exit status or minus a signal, most memory held in bytes, CPU seconds.

    Memory counts from the some 80 MB that it shares with its spawner.
    """

    status: int
    peak_memory_bytes: int
    cpu_s: float


class Child:
    """A decoding child: its process id, and the files that its messages and errors come from."""

    def __init__(self, pool: "SpawnerPool", spawner: Spawner, pid: int) -> None:
        self._pool, self._spawner = pool, spawner
        self._lock = threading.Lock()
        self._ended: Ended | None = None
        self.pid = pid

    def kill(self) -> None:
        """End it, from any thread; calling again, or when it is over, does nothing."""
        with self._lock:
            if self._ended is None:
                self._spawner.kill_child()

    def wait(self, patience_s: float = DEATH_S) -> Ended:
        """Return how it ended; it is killed after `patience_s`."""
        if self._ended is not None:
            return self._ended
        try:
            ended = self._answered(patience_s)
        except (SpawnerGoneError, TimeoutError):
            ended = Ended(-signal.SIGKILL, 0, 0.0)
            self._spawner.end()
        with self._lock:
            self._ended = ended
        self._pool.give_back(self._spawner)
        return ended

    def _answered(self, patience_s: float) -> Ended:
        try:
            return Ended(*self._spawner.answer("ended", patience_s))
        except TimeoutError:
            self.kill()
            return Ended(*self._spawner.answer("ended", DEATH_S))


class SpawnerPool:
    """Spawners that wait for work; any number of threads may ask."""

    def __init__(self, command: Sequence[str] = SPAWNER_COMMAND, max_idle: int = MAX_IDLE) -> None:
        """Start none yet."""
        self._command = command
        self._max_idle = max_idle
        self._idle: list[Spawner] = []
        self._lock = threading.Lock()
        self._has_warned = False
        atexit.register(self.close)

    def spawn(self, request: SpawnRequest) -> tuple[Child, int, int]:
        """Return a child that does what is asked, and the open files it writes to.

        Raises DecoderDied when no process can be started.
        """
        messages, to_messages = os.pipe()
        errors, to_errors = os.pipe()
        try:
            child = self._spawn(request, to_messages, to_errors)
        except (SpawnerGoneError, TimeoutError, OSError) as error:
            os.close(messages)
            os.close(errors)
            raise DecoderDied(
                f"no process to decode {request.path.name} could be started: is the machine out of memory?"
            ) from error
        finally:
            os.close(to_messages)
            os.close(to_errors)
        return child, messages, errors

    def give_back(self, spawner: Spawner) -> None:
        """Keep `spawner` for the next video, or end it where it has had enough of them."""
        with self._lock:
            if spawner.videos < VIDEOS_PER_SPAWNER and len(self._idle) < self._max_idle:
                self._idle.append(spawner)
                return
        spawner.end()

    def close(self) -> None:
        """End the spawners that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        for spawner in idle:
            spawner.end()

    def _spawn(self, request: SpawnRequest, messages: int, errors: int) -> Child:
        while (spawner := self._waiting()) is not None:
            try:
                return Child(self, spawner, spawner.spawn(request, messages, errors))
            except (SpawnerGoneError, TimeoutError):  # it died, or was idle for too long
                spawner.end()
        spawner = Spawner(self._command)
        self._warn(spawner.protections)
        return Child(self, spawner, spawner.spawn(request, messages, errors))

    def _waiting(self) -> Spawner | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _warn(self, protections: dict[str, bool]) -> None:
        """Say once what this machine does not protect."""
        missing = sorted(name for name, is_on in protections.items() if not is_on)
        if missing and not self._has_warned:
            self._has_warned = True
            log.warning(
                "decoding is protected by limits alone, not by the kernel: see docs/reliability.md",
                extra={"action": "decoder_unconfined", "missing": missing},
            )


def spawner_environment() -> dict[str, str]:
    """Return the spawner's variables: no secrets, and few threads, as each reserves address space."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
