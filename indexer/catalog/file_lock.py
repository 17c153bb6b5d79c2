"""A lock between processes of one machine, on a file."""

import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.errors import SchemaInUse


class FileLock:
    """A lock that many may share or one may hold alone; it ends with the process, a killed one too."""

    def __init__(self, path: Path) -> None:
        """Take nothing yet; the file at ``path`` is made when it is first needed."""
        self._path = path
        self._descriptor: int | None = None

    def share(self) -> None:
        """Hold it with others; waits while somebody holds it alone."""
        fcntl.flock(self._open(), fcntl.LOCK_SH)

    def release(self) -> None:
        """Hold it no more for now."""
        fcntl.flock(self._open(), fcntl.LOCK_UN)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold it alone while the block runs, then with others; raises SchemaInUse when others hold it."""
        try:
            fcntl.flock(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.share()
            raise SchemaInUse(
                f"another process uses the library in {self._path.parent}: stop it, then try again"
            ) from error
        try:
            yield
        finally:
            self.share()

    def close(self) -> None:
        """Give it back; it can be taken again."""
        if self._descriptor is not None:
            self._give_back()
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._give_back = weakref.finalize(self, os.close, self._descriptor)
        return self._descriptor
