"""A disk of a few megabytes that can be filled, and made read-only: a tmpfs, which only root may mount."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

FILLER = "filler"
PAGE_BYTES = 4096


@contextmanager
def small_disk(folder: Path, size_mib: int = 8) -> Iterator[None]:
    """Let ``folder``, made if missing, be a disk of its own; skips the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("this account may not mount anything")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing be written on the disk at ``folder`` while the block runs."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


@dataclass(frozen=True)
class BreakableDisk:
    """A disk of 32 MiB in a file, with a journal (ext4 over a loop device)."""

    image: Path
    folder: Path

    def fail(self) -> None:
        """Let it be as the kernel makes a disk that had an error: read-only in the middle of everything."""
        subprocess.run(["mount", "-o", "remount,abort", str(self.folder)], check=True)

    def mount(self) -> bool:
        """Mount it, its journal replayed, and return whether that is allowed."""
        command = ["mount", "-o", "loop", str(self.image), str(self.folder)]
        return subprocess.run(command, capture_output=True).returncode == 0

    def unmount(self) -> None:
        """Take it out."""
        subprocess.run(["umount", str(self.folder)], check=True)


@contextmanager
def breakable_disk(folder: Path) -> Iterator[BreakableDisk]:
    """Let ``folder`` be such a disk; skips the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    image = folder.with_name(f"{folder.name}.ext4")
    with image.open("wb") as stream:
        stream.truncate(32 << 20)
    disk = BreakableDisk(image, folder)
    made = shutil.which("mkfs.ext4") and subprocess.run(["mkfs.ext4", "-q", str(image)]).returncode == 0
    if not made or not disk.mount():
        pytest.skip("no disk can be made in a file here, or this account may not mount it")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], capture_output=True)
        image.unlink()


@contextmanager
def filled(folder: Path, free_bytes: int = 0) -> Iterator[None]:
    """Leave only so much free on the disk at ``folder`` while the block runs."""
    filler = folder / FILLER
    status = os.statvfs(folder)
    wanted = status.f_bavail * status.f_bsize - free_bytes
    with filler.open("wb") as stream:
        for _ in range(max(wanted, 0) // PAGE_BYTES):
            stream.write(bytes(PAGE_BYTES))
    try:
        yield
    finally:
        filler.unlink()


def leftovers(folder: Path) -> list[str]:
    """Return the files below ``folder`` that are half-written or that nobody has recorded."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob(".*")
        if path.is_file() and path.name.startswith((".partial-", ".unrecorded-"))
    )
