"""``POST /imports``: files that lie on the server become videos where they lie, from configured folders only.

One request hashes what it can in a bounded time and says where to go on, so that a folder of any size is
imported by asking again, of whichever replica, and nothing is held in between.
"""

import os
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.config import ServiceSettings
from app.display_name import INVISIBLE
from app.upload_errors import ImportNotAllowed, ImportPathMissing
from app.uploading.fields import invalid_field
from indexer.catalog.videos import Said
from indexer.folders.intake import IndexedFile, QueuedFile, Refusal, take_in
from indexer.folders.walk import FoundFile, Unreadable, is_within, walk_videos
from indexer.library import Library
from indexer.subtitle_sidecars import SidecarFinder

TIME_FOR_ONE_REQUEST_S = 20.0
"""Less than what proxies wait; the file that is being hashed then is still taken."""

Taken = QueuedFile | IndexedFile


@dataclass(frozen=True)
class ImportRequest:
    """A file or folder to import, and what is said of each of its videos."""

    path: str
    limit: int
    after: str | None = None
    """The last file of the request before."""
    said: Said = field(default_factory=Said)


@dataclass
class ImportedFiles:
    """What one request has taken in."""

    taken: list[Taken] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    next_after: str | None = None
    """Where the next request goes on; None when this was all."""


def import_path(
    library: Library, settings: ServiceSettings, generation_id: int, request: ImportRequest
) -> ImportedFiles:
    """Take in a file, or the videos of a folder in their order, and say what became of each.

    Raises RequestValidationError for a path that cannot be meant, ImportNotAllowed outside the folders of the
    settings, whether it exists or not, and ImportPathMissing.
    """
    place = _allowed_place(settings, request.path)
    result, sidecars = ImportedFiles(), SidecarFinder()
    started, last = time.monotonic(), ""
    for count, file in enumerate(_files(settings, place, request.after)):
        if count == request.limit or (count and time.monotonic() - started > TIME_FOR_ONE_REQUEST_S):
            result.next_after = last
            return result
        last = str(file.path)
        taken = take_in(library, generation_id, _real(file), lambda _: None, sidecars, request.said)
        if isinstance(taken, Refusal):
            result.refusals.append(taken)
        else:
            result.taken.append(taken)
    if not last and request.after is None:
        raise invalid_field("path", "no_video", "holds no video file (hidden files do not count)", str(place))
    return result


def _allowed_place(settings: ServiceSettings, path: str) -> Path:
    """Return the real path; nothing is told of what lies outside the folders of the settings."""
    if any(part == ".." for part in Path(path).parts) or not Path(path).is_absolute() or _has_controls(path):
        message = "write it from the root, as /mnt/footage, without '..' and control characters"
        raise invalid_field("path", "not_a_path", message, path)
    if not settings.import_folders:
        raise ImportNotAllowed(
            "no folder may be imported from: set REELSEEK_IMPORT_ROOTS to those that may, parted by ':'"
        )
    place = Path(os.path.realpath(path))
    if not is_within(place, settings.import_folders) or place.is_relative_to(settings.home_folder.resolve()):
        raise ImportNotAllowed(
            f"{path!r} is not in a folder that may be imported from: move it into one of "
            "REELSEEK_IMPORT_ROOTS, or add its folder there"
        )
    if not os.path.lexists(place):
        raise ImportPathMissing(f"there is nothing at {path!r}: check how it is called on the server")
    return place


def _files(settings: ServiceSettings, place: Path, after: str | None) -> Iterator[FoundFile | Unreadable]:
    """Yield the videos at a place that come after another one, named as the walk came to them."""
    begin = Path(after).parts if after is not None else ()
    for file in walk_videos(place, excluding=settings.home_folder, within=settings.import_folders):
        if file.path.parts > begin:  # the walk is in this order
            yield file


def _real(file: FoundFile | Unreadable) -> FoundFile | Unreadable:
    """Return a file by its real path: a link may lead elsewhere tomorrow."""
    if isinstance(file, Unreadable):
        return file
    return FoundFile(Path(os.path.realpath(file.path)), file.size_bytes)


def _has_controls(path: str) -> bool:
    return any(unicodedata.category(character) in INVISIBLE - {"Cf"} for character in path)
