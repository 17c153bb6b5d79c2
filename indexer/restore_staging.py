"""Where a backup is unpacked before any of it counts: in the library's folders, on the disks it will stay on.

Whoever unpacks holds a lock on ``HOME/.restoring-…``, which ends with the process. So a folder that nobody
holds is what a killed restore left, and may go.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

PREFIX = ".restoring-"


class Staging:
    """The folders of one restore."""

    def __init__(self, home: Path, name: str) -> None:
        """Make nothing yet."""
        self.home = home / name
        self.media = home / "media" / name
        self.thumbnails = home / "thumbnails" / name

    def delete(self) -> None:
        """Delete all of it, that which is locked last."""
        for folder in (self.media, self.thumbnails, self.home):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def staging_folders(home: Path) -> Iterator[Staging]:
    """Yield folders of a library to unpack a backup in; they are gone when the block ends. Raises OSError."""
    staging = Staging(home, f"{PREFIX}{uuid4().hex}")
    staging.home.mkdir()
    with _lock(staging.home):
        try:
            yield staging
        finally:
            staging.delete()


def abandoned(home: Path) -> list[Path]:
    """Return the folders that killed restores left in a library."""
    held = set()
    for folder in home.glob(f"{PREFIX}*"):
        try:
            with _lock(folder):
                pass
        except FileNotFoundError:  # it has just ended
            continue
        except BlockingIOError:
            held.add(folder.name)
    roots = (home / "media", home / "thumbnails", home)
    return [folder for root in roots for folder in sorted(root.glob(f"{PREFIX}*")) if folder.name not in held]


def sweep_abandoned(home: Path) -> None:
    """Delete what killed restores left in a library; what cannot be deleted stays for the doctor."""
    for folder in abandoned(home):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold ``folder``; raises BlockingIOError while somebody else does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
