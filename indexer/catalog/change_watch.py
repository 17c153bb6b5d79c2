"""Whether anything in a SQLite database has changed, asked in microseconds, and what was read of it so far.

``PRAGMA data_version`` (https://sqlite.org/pragma.html#pragma_data_version) gives a connection another number
when any other connection, of this process or of another one, has committed. The watching connection writes
nothing, so it sees every change. Postgres has no such number: there everything is read each time.
"""

import sqlite3
import threading
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.orm import Session

T = TypeVar("T")

Reading = Callable[[], AbstractContextManager[Session]]


class ChangeWatch:
    """Watches one database file; safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        """Open the file with the first look: it need not be there yet."""
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def count(self) -> int | None:
        """Return a number that differs from the one before when anything was committed in between.

        None when it cannot be told now.
        """
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                (count,) = self._connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:  # whoever reads the database next gets to know why
                return None
        return int(count)

    def close(self) -> None:
        """Close the file; another look opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        address = f"{self._path.absolute().as_uri()}?mode=rw"  # a file that went is not made anew
        return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)


class CatalogMemory:
    """Facts about the whole catalog, read again only when something in it has changed."""

    def __init__(self, watch: ChangeWatch | None, reading: Reading) -> None:
        """Read with sessions of ``reading``; without a ``watch`` nothing is remembered."""
        self._watch, self._reading = watch, reading
        self._count: int | None = None
        self._known: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

    def change_count(self) -> int | None:
        """Return what ``ChangeWatch.count`` does; None where nobody watches."""
        return None if self._watch is None else self._watch.count()

    def recall(self, key: Hashable, read: Callable[[Session], T]) -> T:
        """Return what ``read`` finds, now or since the last change; ``key`` names it and all it depends on.

        It is shared: nobody may change it.
        """
        count = self.change_count()  # before reading: what is read is no older than that
        if count is None:
            with self._reading() as session:
                return read(session)
        with self._lock:
            if self._count != count:
                self._count, self._known = count, {}
            known = self._known
        if key not in known:
            with self._reading() as session:
                known[key] = read(session)
        found: T = known[key]
        return found

    def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.close()
