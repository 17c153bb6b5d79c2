"""`python -m indexer.decoding.spawner`: imports the decoders once, then forks a fresh child for each video.

Standard input is one end of a socket pair. A line of JSON with two files (for the child's standard output and
error) asks for a decode, KILL ends the one that runs; the answers are lines of JSON too: once "ready", then
"pid" and "ended" of each child. This process never opens a video, and ends with the socket or when idle.
"""

import json
import os
import selectors
import signal
import socket
import sys
from typing import Never

from indexer.decoding import child
from indexer.decoding.spawn_request import KILL, SpawnRequest, read_request
from indexer.decoding.syscall_filter import die_with_parent

IDLE_S = 300.0
"""A spawner that nobody asked for so long gives its memory back."""

MAX_REQUEST_BYTES = 64 * 1024

CONFINEMENT_FAILED = 70
"""Exit status of a child that could not be started or confined (EX_SOFTWARE)."""


class Spawner:
    """Answers one parent, and runs one child at a time."""

    def __init__(self, control: socket.socket) -> None:
        """Take the socket to the parent."""
        self._control = control
        self._child: int | None = None
        self._heard = b""
        self._files: list[int] = []
        # The end of a child is written to this pipe, so that one wait covers both it and the parent.
        self._ended, ends = os.pipe()
        os.set_blocking(self._ended, False)
        os.set_blocking(ends, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(ends)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._ended, selectors.EVENT_READ)

    def serve(self) -> None:
        """Do what the parent asks until it goes, or asks for nothing any more."""
        child.rehearse()
        self._tell(ready=child.protections())
        while True:
            ready = {key.fd for key, _ in self._selector.select(None if self._child else IDLE_S)}
            if self._ended in ready:
                os.read(self._ended, 4096)
                self._reap()
            if self._control.fileno() in ready and not self._hear():
                break
            if not ready and self._child is None:
                break
        self._kill()

    def _hear(self) -> bool:
        """Do what the parent said; False when it has gone."""
        heard, files, _, _ = socket.recv_fds(self._control, MAX_REQUEST_BYTES, 2)
        self._files += files
        *lines, self._heard = (self._heard + heard).split(b"\n")
        for line in lines:
            if line == KILL:
                self._kill()
            else:
                self._spawn(read_request(line))
        return bool(heard)

    def _spawn(self, asked: SpawnRequest) -> None:
        files, self._files = self._files, []
        pid = os.fork()
        if pid == 0:
            self._become_child(asked, files)
        for file in files:
            os.close(file)
        self._child = pid
        self._tell(pid=pid)

    def _become_child(self, asked: SpawnRequest, files: list[int]) -> Never:
        status = CONFINEMENT_FAILED
        try:
            die_with_parent()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._selector.close()
            messages, errors = files
            # Whatever a library prints must not get between the messages.
            for target in (sys.stdout.fileno(), sys.stderr.fileno()):
                os.dup2(errors, target)
            os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())  # the control socket goes with it
            os.closerange(sys.stderr.fileno() + 1, messages)
            os.closerange(messages + 1, os.sysconf("SC_OPEN_MAX"))
            with os.fdopen(messages, "wb") as stream:
                status = child.run(asked.path, asked.plan, asked.limits, stream)
        except BaseException as error:
            # Without a traceback: its lines would be read from files that are out of reach by now.
            os.write(sys.stderr.fileno(), f"{type(error).__name__}: {error}".encode(errors="replace"))
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _kill(self) -> None:
        if self._child is not None:
            os.kill(self._child, signal.SIGKILL)

    def _reap(self) -> None:
        if self._child is None:
            return
        pid, status, used = os.wait4(self._child, os.WNOHANG)
        if pid:
            self._child = None
            peak_bytes = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            ended = (os.waitstatus_to_exitcode(status), peak_bytes, used.ru_utime + used.ru_stime)
            self._tell(ended=ended)

    def _tell(self, **told: object) -> None:
        self._control.sendall(json.dumps(told).encode() + b"\n")


def main() -> None:
    """Serve the parent at the other end of standard input.

    A service manager may send its signal to every process of a service. The parent gives its job back then
    and goes, and we with it; if we went first, it would count the video's decoder as dead.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as control:
        try:
            Spawner(control).serve()
        except (BrokenPipeError, ConnectionResetError):  # the parent has gone
            return


if __name__ == "__main__":
    main()
