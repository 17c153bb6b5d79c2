"""The files of a dataset's folder, found by one walk however the archives were unpacked.

Annotation files and videos are looked up by name, wherever they lie under the folder. Names that begin with
a dot are passed over; links are followed, each folder entered once.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model.datasets.base import DatasetError, Refusal

VIDEO_EXTENSIONS = frozenset(
    ".3gp .asf .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .ogv .ts .vob .webm .wmv".split()
)
"""The containers that the datasets come in, and those that people convert them to."""

UNREADABLE, DUPLICATE_FILE = "unreadable", "duplicate-file"


@dataclass(frozen=True)
class Source:
    """Where a dataset comes from, for the messages: ``annotations`` and ``videos`` say what to download."""

    title: str
    annotations: str
    videos: str


@dataclass(frozen=True)
class FoundFile:
    """The file of a video or picture, and a refusal for each further file of the same name."""

    path: Path
    others: tuple[Refusal, ...]


class DatasetFiles:
    """What lies under ``root``; raises DatasetError if that is no folder."""

    def __init__(self, root: Path, source: Source) -> None:
        if not root.is_dir():
            raise DatasetError(
                f"{root} is no folder: make it and put {source.title} there. "
                f"{source.annotations} {source.videos}"
            )
        self.root, self.source = root, source
        self._unreadable: list[Refusal] = []
        self._folders: defaultdict[str, list[Path]] = defaultdict(list)
        self._names: defaultdict[str, list[str]] = defaultdict(list)
        for folder, name in self._walk():
            self._folders[name].append(folder)
            stem, extension = os.path.splitext(name)  # noqa: PTH122 - a set has a hundred thousand names
            if extension.lower() in VIDEO_EXTENSIONS and len(self._folders[name]) == 1:
                self._names[stem].append(name)

    @property
    def unreadable(self) -> tuple[Refusal, ...]:
        """The folders that could not be opened: a gap must not look like an empty folder."""
        return tuple(self._unreadable)

    def annotation(self, *names: str) -> Path:
        """Return the annotation file of the first of ``names`` there is; raises DatasetError.

        Nearest to the root wins, since some are called no more than ``train.json``.
        """
        for name in names:
            paths = self._paths(name)
            if len(paths) > 1 and len(paths[0].parts) == len(paths[1].parts):
                raise DatasetError(f"{paths[0]} and {paths[1]} are both there: keep one of the two")
            if paths:
                return paths[0]
        raise DatasetError(
            f"no {' or '.join(names)} under {self.root}. {self.source.annotations} "
            f"Put it anywhere under {self.root}. {self.source.videos}"
        )

    def has(self, name: str) -> bool:
        """Return whether a file of this name lies anywhere under the root."""
        return name in self._folders

    def named(self, name: str) -> FoundFile | None:
        """Return the file of exactly this name."""
        return self._choose(self._paths(name), name)

    def video(self, name: str) -> FoundFile | None:
        """Return the video of this name with any extension; ``x.avi`` is also ``x.avi.mp4`` or ``x.mp4``."""
        stem, extension = os.path.splitext(name)  # noqa: PTH122
        is_file_name = extension.lower() in VIDEO_EXTENSIONS
        exact = self._paths(name) if is_file_name else []
        converted = self._videos(name) or (self._videos(stem) if is_file_name else [])
        return self._choose(exact or converted, name)

    def at(self, relative: str) -> Path | None:
        """Return the file at this place below the root."""
        path = self.root / relative
        return path if path.parent in self._folders.get(path.name, []) else None

    def _videos(self, stem: str) -> list[Path]:
        return _nearest_first(path for name in self._names.get(stem, []) for path in self._paths(name))

    def _paths(self, name: str) -> list[Path]:
        return _nearest_first(folder / name for folder in self._folders.get(name, []))

    def _choose(self, paths: list[Path], name: str) -> FoundFile | None:
        if not paths:
            return None
        reason = f"{paths[0]} is used: remove one of the two if that is the wrong one"
        others = (Refusal(name, DUPLICATE_FILE, f"{other} is left out, {reason}") for other in paths[1:])
        return FoundFile(paths[0], tuple(others))

    def _walk(self) -> Iterator[tuple[Path, str]]:
        entered: set[tuple[int, int]] = set()
        for folder, folders, names in os.walk(self.root, onerror=self._note_unreadable, followlinks=True):
            status = os.stat(folder)  # noqa: PTH116
            if (status.st_dev, status.st_ino) in entered:
                folders.clear()
                continue
            entered.add((status.st_dev, status.st_ino))
            folders[:] = [name for name in folders if not name.startswith(".")]
            path = Path(folder)
            yield from ((path, name) for name in names if not name.startswith("."))

    def _note_unreadable(self, error: OSError) -> None:
        reason = f"{error.filename} cannot be read ({error.strerror}): see that you may open it"
        self._unreadable.append(Refusal(str(error.filename), UNREADABLE, reason))


def _nearest_first(paths: Iterator[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: (len(path.parts), path))
