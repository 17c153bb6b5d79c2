"""Many readers or one writer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadWriteLock:
    """Readers do not wait for each other; a writer waits until the last has gone and then keeps all out.

    Readers that come while a writer waits let it go first: else it could wait for ever. So nobody who reads
    may begin to read once more.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._readers = self._writers_waiting = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock as one of many."""
        with self._condition:
            self._condition.wait_for(lambda: not self._writers_waiting)
            self._readers += 1
        try:
            yield
        finally:
            with self._condition:
                self._readers -= 1
                self._condition.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock alone; whoever comes waits at the condition, which stays held."""
        with self._condition:
            self._writers_waiting += 1
            try:
                self._condition.wait_for(lambda: self._readers == 0)
            finally:
                self._writers_waiting -= 1
                self._condition.notify_all()  # who waits goes on when this one has left
            yield
