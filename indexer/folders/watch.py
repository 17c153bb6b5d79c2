"""Folders that are looked at every few seconds: what lies still in them is queued, in place.

By looking, not by the system's notices: those tell nothing of what another machine does on a shared drive,
and are lost with a drive that goes away. A file counts as complete when neither its size nor its time of
change has moved for a while; names that programs give to files they are still writing are passed over. What
disappears is forgotten here and stays in the library, so that a drive that comes back, or a file that was
moved, is known again by its bytes.
"""

import logging
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import NamedTuple

from sqlalchemy import select

from indexer.catalog import generations
from indexer.catalog.tables import Video
from indexer.folders.intake import BatchCode, IndexedFile, QueuedFile, Refusal, take_in
from indexer.folders.walk import FoundFile, walk_videos
from indexer.library import Library
from indexer.subtitle_sidecars import SidecarFinder

LOOK_EVERY_S = 2.0

REST_PER_WALK = 4.0
"""To walk through a large or distant folder takes long: it is left alone for so many times that."""

TEMPORARY_NAME = re.compile(
    r".*\.(part|partial|tmp|temp|crdownload|download|filepart|opdownload|!ut|!qb|aria2|unfinished)(\.\w+)?|~.*",
    re.IGNORECASE,
)
"""How browsers, copiers and recorders call what they are still writing; a leading dot hides a file anyway."""

LATER = {BatchCode.STILL_CHANGING, BatchCode.UNREADABLE}
"""Refusals that may not hold the next time."""

NO_GENERATION = -1
"""In a library where no worker has ever run: nothing is indexed."""

log = logging.getLogger(__name__)


class WatchEnded(Exception):  # noqa: N818 - what is the matter, not a defect
    """The watch is over while a file is read, which may take minutes."""


class Mark(NamedTuple):
    """What changes when a file is written."""

    size_bytes: int
    changed_ns: int


@dataclass
class Seen:
    """A file that may still be growing."""

    mark: Mark
    since: float


class FolderWatch:
    """The folders that are watched, and what is known of their files."""

    def __init__(self, library: Library, folders: Sequence[Path], settle_s: float) -> None:
        """Queue files of ``folders`` that have lain still for ``settle_s`` seconds; look at nothing yet."""
        self._library, self._settle_s = library, settle_s
        self._folders = [folder.absolute() for folder in folders]
        self._seen: dict[Path, Seen] = {}
        self._done: dict[Path, Mark] = {}
        self._is_there = dict.fromkeys(self._folders, True)
        self._is_over = Event()
        self._walk_s = 0.0

    def run(self, is_over: Event) -> None:
        """Look again and again until ``is_over``; a database that is away is waited for."""
        self._is_over = is_over
        while not is_over.is_set():
            try:
                self.look()
            except WatchEnded:
                return
            except Exception:  # what it is about is looked at again
                log.warning("the folders could not be looked at; it is tried again", exc_info=True)
            is_over.wait(max(LOOK_EVERY_S, REST_PER_WALK * self._walk_s))

    def look(self) -> list[QueuedFile]:
        """Look once, queue what lies still, and return it; raises WatchEnded."""
        started = time.monotonic()
        found = dict(self._files())
        self._walk_s = time.monotonic() - started
        for known in (self._seen, self._done):
            for path in known.keys() - found.keys():
                del known[path]
        settled = [path for path, mark in found.items() if self._has_settled(path, mark)]
        return [queued for path in settled if (queued := self._take(path, found[path])) is not None]

    def _files(self) -> Iterator[tuple[Path, Mark]]:
        for folder in self._folders:
            is_there = folder.is_dir()
            if is_there is not self._is_there[folder]:
                log.warning(
                    "the folder %s", "is back" if is_there else "is gone", extra={"folder": str(folder)}
                )
            self._is_there[folder] = is_there
            if is_there:
                yield from self._files_of(folder)

    def _files_of(self, folder: Path) -> Iterator[tuple[Path, Mark]]:
        for file in walk_videos(folder, excluding=self._library.settings.home_folder):
            if not isinstance(file, FoundFile) or TEMPORARY_NAME.fullmatch(file.path.name):
                continue
            try:
                status = file.path.stat()
            except OSError:  # gone again
                continue
            yield file.path, Mark(status.st_size, status.st_mtime_ns)

    def _has_settled(self, path: Path, mark: Mark) -> bool:
        if self._done.get(path) == mark:
            return False
        seen = self._seen.get(path)
        if seen is None or seen.mark != mark:
            self._seen[path] = seen = Seen(mark, time.monotonic())
        return time.monotonic() - seen.since >= self._settle_s

    def _take(self, path: Path, mark: Mark) -> QueuedFile | None:
        """Queue a file that lies still, unless it is known; what it is, is not asked again."""
        taken = None
        if not self._is_known(path, mark):
            file = FoundFile(path, mark.size_bytes)
            taken = take_in(self._library, self._generation_id(), file, self._go_on, SidecarFinder())
            self._tell(path, taken)
        if not (isinstance(taken, Refusal) and taken.code in LATER):
            self._done[path] = mark
        self._seen.pop(path, None)
        return taken if isinstance(taken, QueuedFile) else None

    def _go_on(self, _bytes_read: int) -> None:
        if self._is_over.is_set():
            raise WatchEnded

    def _is_known(self, path: Path, mark: Mark) -> bool:
        """Return whether the catalog has this file as it is, so that a restart need not read everything."""
        changed_at = datetime.fromtimestamp(mark.changed_ns / 1e9, UTC)
        with self._library.database.reading() as session:
            known = select(Video.id).where(
                Video.media_path == str(path),
                Video.size_bytes == mark.size_bytes,
                Video.added_at > changed_at,
            )
            return session.scalar(known.limit(1)) is not None

    def _generation_id(self) -> int:
        with self._library.database.reading() as session:
            serving = generations.serving(session)
        return serving.id if serving is not None else NO_GENERATION

    def _tell(self, path: Path, taken: QueuedFile | IndexedFile | Refusal) -> None:
        if isinstance(taken, QueuedFile):
            log.info("queued", extra={"path": str(path), "job": taken.job_id})
        elif isinstance(taken, Refusal):
            log.warning("not taken", extra={"path": str(path), "code": taken.code, "reason": taken.reason})
