"""A folder's video files, found without following a loop or opening a pipe, and their sha256.

- Hidden files and folders (a leading dot) are passed over; links are followed, each folder entered once.
- What cannot be read is yielded as `Unreadable` with its reason: a gap must not look like an empty folder.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.container_signatures import HEAD_BYTES, looks_like_video, names_video

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class FoundFile:
    """A regular file that may be a video; ``path`` is absolute."""

    path: Path
    size_bytes: int


@dataclass(frozen=True)
class Unreadable:
    """A file or folder that could not be read, and why; ``path`` is absolute."""

    path: Path
    reason: str


def walk_videos(
    folder: Path, excluding: Path | None = None, within: Sequence[Path] | None = None
) -> Iterator[FoundFile | Unreadable]:
    """Yield the video files under ``folder``, not under ``excluding``, depth first in order of names.

    Where ``within`` is given, links that lead out of those (real) folders are not followed.
    """
    entered = {_identity(excluding.stat())} if excluding is not None and excluding.exists() else set()
    waiting = [folder.absolute()]
    while waiting:  # a list, not recursion: folders may be nested deeper than Python's stack
        path = waiting.pop()
        is_worth_telling = names_video(path) or path == folder.absolute()
        try:
            if within is not None and not is_within(path, within):
                yield Unreadable(path, "it is a link that leads elsewhere: put the file itself here")
                continue
            status = path.stat()
            if stat.S_ISDIR(status.st_mode):
                is_worth_telling = True
                waiting.extend(_visible_children(path) if _enter(status, entered) else [])
            elif stat.S_ISREG(status.st_mode) and _may_be_video(path):
                yield FoundFile(path, status.st_size)
        except OSError as error:
            if is_worth_telling:
                yield Unreadable(path, reason_of(error))


def is_within(path: Path, folders: Sequence[Path]) -> bool:
    """Return whether ``path``, links followed, is one of the (real) ``folders`` or below one."""
    real = Path(os.path.realpath(path))  # Path.resolve raises for links that lead in a circle
    return any(real.is_relative_to(folder) for folder in folders)


def total_bytes(files: Iterable[FoundFile | Unreadable]) -> int:
    """Return the bytes of the readable ones of ``files``."""
    return sum(file.size_bytes for file in files if isinstance(file, FoundFile))


def hash_file(path: Path, on_bytes: Callable[[int], None] = lambda _: None) -> str:
    """Return the sha256 of the file in hexadecimal; ``on_bytes`` hears of each chunk read; raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            on_bytes(len(chunk))
    return digest.hexdigest()


def reason_of(error: OSError) -> str:
    """Return why the system refused, in words for a person."""
    return f"{error.strerror or error}: check that it is still there and that you may read it"


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _enter(folder: os.stat_result, entered: set[tuple[int, int]]) -> bool:
    """Return whether ``folder`` had not been entered, and note that it is now."""
    is_new = _identity(folder) not in entered
    entered.add(_identity(folder))
    return is_new


def _visible_children(folder: Path) -> list[Path]:
    """Return what lies in ``folder`` and is not hidden, last name first, as a stack wants it."""
    return sorted((child for child in folder.iterdir() if not child.name.startswith(".")), reverse=True)


def _may_be_video(path: Path) -> bool:
    by_name = names_video(path)
    if by_name is not None:
        return by_name
    with path.open("rb", buffering=0) as file:
        return looks_like_video(file.read(HEAD_BYTES))
