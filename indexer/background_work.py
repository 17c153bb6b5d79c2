"""Work beside a service, in a thread of its own, that is given up when the service closes.

The threads are no daemons: an interpreter that ends while a daemon is in torch or FAISS aborts.
"""

import threading
from collections.abc import Callable

IsStopped = Callable[[], bool]
"""Whether the work is to be given up: to be asked between its steps, none of which should take long."""


class BackgroundWork:
    """One piece of work at a time."""

    def __init__(self, name: str) -> None:
        """Start nothing yet; ``name`` is the threads' name."""
        self._name = name
        self._is_closed = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, work: Callable[[IsStopped], None]) -> None:
        """Begin ``work`` when what was begun before has ended; do nothing once closed."""
        with self._starting:
            self.wait()
            if not self.is_stopped():
                self._thread = threading.Thread(target=work, args=(self.is_stopped,), name=self._name)
                self._thread.start()

    def is_stopped(self) -> bool:
        """Return whether the owner has closed this, or the process ends though nobody has."""
        return self._is_closed.is_set() or not threading.main_thread().is_alive()

    def wait(self) -> None:
        """Return when nothing is going on."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Let the work give up, wait until it has, and begin no other."""
        self._is_closed.set()
        with self._starting:
            self.wait()
