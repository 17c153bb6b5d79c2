"""Folders that appear whole or not at all, after a power cut too.

A new one is written beside its place, under a hidden name, and then renamed. One that is replaced steps aside
under a hidden name first. A process killed in between leaves it there, and the next writer puts it back.
"""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

SHOWN = 3
"""Names in a message."""


@contextmanager
def whole_folder(place: Path, replaceable: Collection[str]) -> Iterator[Path]:
    """Yield an empty folder to fill, which becomes ``place`` at the end; after an error all is as it was.

    Raises ValueError if ``place`` cannot be written, or holds what is not called as in ``replaceable``.
    """
    place = place.resolve()
    unfinished, former = _beside(place, "unfinished"), _beside(place, "former")
    _clean_up(place, unfinished, former)
    check_replaceable(place, replaceable)
    try:
        unfinished.mkdir(parents=True)
    except OSError as error:
        raise ValueError(f"{place} cannot be written ({error.strerror}): name another folder") from error
    try:
        yield unfinished
        for path in (*unfinished.iterdir(), unfinished):
            _write_through(path)
        check_replaceable(place, replaceable)
        if place.exists():
            place.rename(former)
        unfinished.rename(place)
        _write_through(place.parent)
    except BaseException:
        _clean_up(place, unfinished, former)
        raise
    _clean_up(place, unfinished, former)


def check_replaceable(place: Path, replaceable: Collection[str]) -> None:
    """Raise ValueError if ``place`` is a file, or holds what is not called as in ``replaceable``."""
    if place.exists() and not place.is_dir():
        raise ValueError(f"{place} is a file: name a folder")
    others = sorted(
        path.name
        for path in (place.iterdir() if place.is_dir() else ())
        if path.is_dir() or path.name not in replaceable
    )
    if others:
        raise ValueError(
            f"{place} is not written over, as it holds other things ({', '.join(others[:SHOWN])}"
            f"{' …' if len(others) > SHOWN else ''}): name an empty or a new folder"
        )


def _beside(place: Path, state: str) -> Path:
    return place.with_name(f".{place.name}.{state}")


def _clean_up(place: Path, unfinished: Path, former: Path) -> None:
    """Put back what stepped aside, where nothing has come in its place, and delete the rest."""
    if former.exists() and not place.exists():
        former.rename(place)
    for folder in (former, unfinished):
        if folder.exists():
            shutil.rmtree(folder)


def _write_through(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
