"""Files that appear whole or not at all, after a power cut too.

Temporary file in the same folder → fsync → rename → fsync of the folder.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

TEMPORARY_PREFIX = ".partial-"

STALE_AFTER_S = 3600
"""A temporary file that nobody has written to for this long belongs to a process that died."""


@dataclass(frozen=True)
class TemporaryFile:
    """A file being written, not yet under its name."""

    path: Path
    stream: BinaryIO

    def publish(self, path: Path) -> None:
        """Make what was written appear at ``path`` (same file system), replacing what is there."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path.replace(path)
        sync_folder(path.parent)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a name beside ``path`` to write under; when the block ends well, that file appears at ``path``.

    For one writer at a time: what a process that died left under that name, the next one writes over.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.partial")
    try:
        yield unfinished
        with unfinished.open("rb") as stream:
            os.fsync(stream.fileno())
        unfinished.replace(path)
        sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def temporary_file(folder: Path) -> Iterator[TemporaryFile]:
    """Yield a new file in ``folder`` (made if missing), gone at the end unless published.

    Any number of processes may write at once; ``sweep_temporary_files`` clears up after those that died.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{TEMPORARY_PREFIX}{uuid4().hex}"
    try:
        with path.open("xb") as stream:
            yield TemporaryFile(path, stream)
    finally:
        path.unlink(missing_ok=True)


def write_durably(path: Path, content: bytes) -> None:
    """Write ``content`` at ``path`` so that a reader sees the old file or the new one, never a part."""
    with temporary_file(path.parent) as temporary:
        temporary.stream.write(content)
        temporary.publish(path)


def publish_again(source: Path, path: Path, temporaries: Path) -> None:
    """Make the content of ``source``, synced already, appear at ``path`` too, replacing what is there.

    Without a copy where the file system links files. ``temporaries`` is a folder of the same file system as
    ``path`` that is swept. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporaries / f"{TEMPORARY_PREFIX}{uuid4().hex}"
    try:
        try:
            os.link(source, temporary)
        except OSError:  # another file system, or one that knows no links
            shutil.copyfile(source, temporary)
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sweep_temporary_files(folder: Path) -> int:
    """Delete the temporary files that dead processes left in ``folder`` and return how many there were."""
    oldest_kept = time.time() - STALE_AFTER_S
    swept = 0
    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
        try:
            if path.stat().st_mtime < oldest_kept:
                path.unlink()
                swept += 1
        except FileNotFoundError:  # its writer finished, or another process sweeps too
            continue
    return swept


def sync_folder(folder: Path) -> None:
    """Return when names that were made, changed or deleted in ``folder`` outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
