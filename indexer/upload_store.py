"""Files of unfinished uploads: ``uploads/ID``, as long as what has arrived, each written by one at a time.

What is in such a file is whole: bytes are only added to its end, in order, so its length is the offset at
which an upload goes on, whatever killed the process or filled the disk. A lock of the operating system, which
ends with the process that holds it, keeps two requests (of one service or of several on the same folder) from
writing at once.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from model.durable_file import STALE_AFTER_S, sync_folder

UPLOAD_NAME = re.compile(r"[0-9a-f]{32}")

READ_BYTES = 1 << 20


class UploadInUse(Exception):  # noqa: N818 - the name is the reason itself
    """Somebody else holds the lock of an upload's file."""


class OpenUpload:
    """An upload's file, locked until ``close``."""

    def __init__(self, path: Path) -> None:
        """Lock the file at ``path``; raises UploadInUse and FileNotFoundError."""
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(self._descriptor).st_nlink == 0:  # deleted while we waited for our turn
                raise FileNotFoundError(path)
        except BlockingIOError as error:
            self.close()
            raise UploadInUse(path.name) from error
        except BaseException:
            self.close()
            raise

    @property
    def size_bytes(self) -> int:
        """Return how much has arrived."""
        return os.fstat(self._descriptor).st_size

    def append(self, data: bytes) -> None:
        """Add to the end; raises OSError when not all could be added: what could be stays."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def truncate(self, size_bytes: int) -> None:
        """Throw away what came after the first ``size_bytes``."""
        if self.size_bytes > size_bytes:
            os.ftruncate(self._descriptor, size_bytes)

    def sync(self) -> None:
        """Return when what was added outlives a power cut."""
        os.fsync(self._descriptor)

    def read(self, start: int = 0) -> Iterator[bytes]:
        """Yield what has arrived, from byte ``start``."""
        while data := os.pread(self._descriptor, READ_BYTES, start):
            start += len(data)
            yield data

    def close(self) -> None:
        """Let others at the file."""
        os.close(self._descriptor)


class UploadStore:
    """The folder of unfinished uploads."""

    def __init__(self, root: Path) -> None:
        """Keep files under ``root``, which is made when the first one begins."""
        self.root = root

    def create(self, upload_id: str) -> None:
        """Make the empty file of a new upload."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._path(upload_id).touch(exist_ok=False)
        sync_folder(self.root)

    def open(self, upload_id: str) -> OpenUpload:
        """Return the file of an upload, locked; raises UploadInUse and FileNotFoundError."""
        return OpenUpload(self._path(upload_id))

    def size_bytes(self, upload_id: str) -> int:
        """Return how much has arrived; raises FileNotFoundError."""
        return self._path(upload_id).stat().st_size

    def delete(self, upload_id: str) -> bool:
        """Delete the file of an upload and return whether there was one."""
        try:
            self._path(upload_id).unlink()
        except FileNotFoundError:
            return False
        return True

    def abandoned(self) -> list[str]:
        """Return the ids of files that nobody has written to for long."""
        oldest_kept = time.time() - STALE_AFTER_S
        found = []
        for path in self.root.glob("*"):
            try:
                if UPLOAD_NAME.fullmatch(path.name) and path.stat().st_mtime < oldest_kept:
                    found.append(path.name)
            except FileNotFoundError:
                continue
        return found

    def _path(self, upload_id: str) -> Path:
        if not UPLOAD_NAME.fullmatch(upload_id):
            raise FileNotFoundError(upload_id)
        return self.root / upload_id
