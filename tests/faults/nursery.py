"""``python -m tests.faults.nursery SOCKET``: forks services and workers that have everything imported.

A process of its own for each round costs seconds of imports; a fork of this one costs milliseconds. Nothing
else differs: each is a process that can be killed, and its parent hears how it ended.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select
from typing import IO

ADDRESS = "NURSERY_SOCKET"
"""Environment variable: where the nursery listens."""

ROOT = Path(__file__).parents[2]
LOOK_S = 0.02
START_LIMIT_S = 120.0
REQUEST_BYTES = 1 << 20


class ForkedProcess:
    """What ``subprocess.Popen`` is to its caller, for a fork of the nursery."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        stdin: int | None = None,
        start_new_session: bool = True,
    ) -> None:
        """Run the role ``command`` with the environment ``env``, in a session of its own."""
        self.args = command
        self.returncode: int | None = None
        self.stdin: IO[bytes] | None = None
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(env[ADDRESS])
        request = json.dumps({"command": list(command), "env": dict(env)}).encode() + b"\n"
        source = os.open(os.devnull, os.O_RDONLY)
        if stdin == subprocess.PIPE:
            os.close(source)
            source, write = os.pipe()
            self.stdin = os.fdopen(write, "wb", buffering=0)
        socket.send_fds(self._connection, [request], [source])
        os.close(source)
        self._answers = self._connection.makefile("r")
        self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""
        if self.returncode is None and select([self._connection], [], [], 0)[0]:
            said = self._answers.readline()
            self.returncode = int(said) if said else -signal.SIGKILL  # the nursery itself is gone
            self._answers.close()
            self._connection.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended; raises subprocess.TimeoutExpired."""
        give_up_at = time.monotonic() + (START_LIMIT_S if timeout is None else timeout)
        while self.poll() is None:
            if time.monotonic() >= give_up_at:
                raise subprocess.TimeoutExpired(str(self.args), timeout or START_LIMIT_S)
            time.sleep(LOOK_S)
        return self.returncode or 0

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and the nursery is about to say so
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


@contextmanager
def nursery(folder: Path) -> Iterator[str]:
    """Run a nursery and yield its address."""
    address = str(folder / "nursery.socket")
    command = [sys.executable, "-m", "tests.faults.nursery", address]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        give_up_at = time.monotonic() + START_LIMIT_S
        while not Path(address).exists():
            assert process.poll() is None and time.monotonic() < give_up_at, "the nursery did not start"
            time.sleep(LOOK_S)
        yield address
    finally:
        process.terminate()
        process.wait()


class _Nursery:
    def __init__(self, address: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._parents: dict[int, socket.socket] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen()
        self._selector.register(self._listener, selectors.EVENT_READ)

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select(LOOK_S):
                if key.fileobj is self._listener:
                    self._serve(self._listener.accept()[0])
            self._bury()

    def _serve(self, connection: socket.socket) -> None:
        request, descriptors, _, _ = socket.recv_fds(connection, REQUEST_BYTES, 1)
        while not request.endswith(b"\n"):
            request += connection.recv(REQUEST_BYTES)
        asked = json.loads(request)
        pid = os.fork()
        if pid == 0:
            self._become(asked["command"], asked["env"], descriptors[0], connection)
        os.close(descriptors[0])
        self._parents[pid] = connection
        connection.sendall(b"%d\n" % pid)

    def _bury(self) -> None:
        while self._parents:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            parent = self._parents.pop(pid)
            with suppress(OSError):  # the parent died before it
                parent.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
            parent.close()

    def _become(self, command: list[str], env: dict[str, str], stdin: int, connection: socket.socket) -> None:
        from tests.faults.roles import play

        code = 1
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._selector.close()
            for inherited in (self._listener, connection, *self._parents.values()):
                inherited.close()
            os.dup2(stdin, 0)
            os.environ.clear()
            os.environ.update(env)
            code = play(command)
        finally:
            os._exit(code)


def main(address: str) -> None:
    """Import everything, then fork what is asked for until SIGTERM."""
    import tests.faults.roles  # noqa: F401 - so that the forks have it

    _Nursery(address).run()


if __name__ == "__main__":
    main(sys.argv[1])
