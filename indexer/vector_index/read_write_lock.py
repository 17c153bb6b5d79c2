"""Many readers or one writer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadWriteLock:
    """Readers do not wait for each other; a writer waits until the last has gone and then keeps all out.

    A writer could wait for ever while readers keep coming. Here they do not: who wants to read an index that
    is behind becomes a writer first.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._readers = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock as one of many."""
        with self._condition:
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
            self._condition.wait_for(lambda: self._readers == 0)
            yield
