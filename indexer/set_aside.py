"""Files of something that is being deleted: out of the way before the commit, gone after it, or put back.

They wait in ``ROOT/.deleted/OWNER-PATH``, so that a process that dies half-way leaves names that tell what
they were. Renaming needs no room on a full disk, and nothing is lost while it can still fail.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from model.durable_file import sync_folder

FOLDER = ".deleted"

OWNER_CHARACTERS = 32


@dataclass(frozen=True)
class AsideFile:
    """A file, or a folder of files, that is out of the way."""

    owner: str
    """Id of what is being deleted."""
    path: Path
    original: Path

    def put_back(self) -> None:
        """Move it to where it was, unless something new is there; raises OSError."""
        if self.original.exists():
            self.drop()
            return
        if not self.path.exists():  # another process has settled it
            return
        self.original.parent.mkdir(parents=True, exist_ok=True)
        self.path.rename(self.original)
        sync_folder(self.original.parent)

    def drop(self) -> None:
        """Delete it for good, also while another process does; raises OSError."""
        while self.path.is_dir():
            with suppress(FileNotFoundError):
                shutil.rmtree(self.path)
        self.path.unlink(missing_ok=True)


def set_aside(root: Path, relative: str, owner: str) -> AsideFile | None:
    """Move what lies at ``relative`` in ``root`` out of the way; None when nothing does. Raises OSError."""
    original = root / relative
    if not original.exists():
        return None
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    aside = AsideFile(owner, folder / f"{owner}-{quote(relative, safe='')}", original)
    original.rename(aside.path)
    for changed in (folder, original.parent):
        sync_folder(changed)
    return aside


def list_aside(roots: Sequence[Path], owner: str = "") -> Iterator[AsideFile]:
    """Yield what is out of the way in each of ``roots``, or that of one ``owner`` alone."""
    for root in roots:
        for path in (root / FOLDER).glob(f"{owner}*"):
            name = path.name
            relative = unquote(name[OWNER_CHARACTERS + 1 :])
            yield AsideFile(name[:OWNER_CHARACTERS], path, root / relative)


def count_files(path: Path) -> int:
    """Return how many files lie at ``path``: one, or those of a folder; half-written ones do not count."""
    if not path.is_dir():
        return int(path.exists())
    return sum(1 for found in path.rglob("*") if found.is_file() and not found.name.startswith("."))
