"""Backing up a library while it is used: the catalog as it is at one moment, then the files that it names.

Files only go while videos are deleted. A video that was deleted since that moment, with files that are no
longer there, is left out of the backup; one that is still in the library stays in it and is told.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError

from indexer.backup.archive import CATALOG, MEDIA, THUMBNAILS, ArchiveWriter
from indexer.backup.catalog_copy import copy_rows
from indexer.catalog.chunking import in_chunks
from indexer.catalog.session import Database, open_database
from indexer.catalog.tables import Clip, Video
from indexer.library import Library
from model.durable_file import sweep_temporary_files, temporary_file

SCRATCH_PREFIX = ".reelseek-backup-"

ABANDONED_AFTER_S = 24 * 3600
"""A folder of a backup that began so long ago belongs to one that was killed."""


class BackupFailed(ValueError):  # noqa: N818 - as the other reasons
    """No backup could be written; the message says why, and the way out."""


@dataclass
class BackupReport:
    """What a backup holds, and what it could not."""

    videos: int = 0
    media_files: int = 0
    thumbnails: int = 0
    size_bytes: int = 0
    in_place: int = 0
    """Videos indexed where they lie: their files are nobody's but their owner's, and in no backup."""
    deleted_meanwhile: int = 0
    missing_media: list[str] = field(default_factory=list)
    """File names of videos whose bytes the library has lost."""
    damaged_media: list[str] = field(default_factory=list)
    """File names of videos whose bytes are no longer those that were added: kept as they are."""
    missing_thumbnails: int = 0


class _Part(NamedTuple):
    """The files of one video, or those of them that were not there."""

    video_id: str
    filename: str
    sha256: str
    media_path: str | None
    """None for one that was indexed in place."""
    thumbnail_keys: frozenset[str]


def back_up(library: Library, path: Path, version: str) -> BackupReport:
    """Write a backup of ``library`` to ``path``, replacing what is there, whole or not at all.

    ``version`` is what the backup says it was made by. Raises BackupFailed when it cannot be written.
    """
    try:
        _sweep_abandoned(path.parent)
        with temporary_file(path.parent) as temporary, _scratch_folder(path.parent) as scratch:
            temporary.path.chmod(0o600)  # secrets of webhooks are in it
            with ArchiveWriter(temporary.stream, version) as writer:
                report = _write(library, writer, scratch / CATALOG)
                writer.finish()
            report.size_bytes = temporary.stream.tell()
            temporary.publish(path)
    except (OSError, OperationalError) as error:  # of the rows' copy, when the disk is full
        reason = error.orig if isinstance(error, OperationalError) else error
        raise BackupFailed(
            f"the backup {path} could not be written, and nothing was left there: {reason}. Name a file in a "
            "folder that can be written and has room, and see that the library's own files can be read"
        ) from error
    return report


def _write(library: Library, writer: ArchiveWriter, catalog: Path) -> BackupReport:
    copy = open_database(f"sqlite:///{catalog}")
    try:
        with library.database.reading() as source, copy.writing() as target:
            copy_rows(source, target)
        files = _Files(library, writer)
        lacking = [lack for part in _parts(copy) if (lack := files.add(part)) is not None]
        _settle(library.database, copy, files, lacking)
        with copy.reading() as session:
            videos = session.scalars(select(Video.is_managed)).all()
        files.report.videos, files.report.in_place = len(videos), videos.count(False)
        _close_as_one_file(copy)
    finally:
        copy.close()
    with catalog.open("rb") as stream:
        writer.add(CATALOG, stream)
    return files.report


def _parts(copy: Database) -> Iterator[_Part]:
    """Yield the files that the copied catalog names, video by video."""
    columns = (Video.id, Video.filename, Video.sha256, Video.media_path, Video.is_managed)
    with copy.reading() as session:
        for row in session.execute(select(*columns).order_by(Video.added_at, Video.id)).all():
            keys = session.scalars(select(Clip.thumbnail_key).where(Clip.video_id == row.id)).all()
            media_path = row.media_path if row.is_managed else None
            yield _Part(row.id, row.filename, row.sha256, media_path, frozenset(keys))


class _Files:
    """Adds files to an archive and counts them."""

    def __init__(self, library: Library, writer: ArchiveWriter) -> None:
        self._library, self._writer = library, writer
        self.report = BackupReport()

    def add(self, part: _Part) -> _Part | None:
        """Add what is there of a video's files, and return what is not; None when all is."""
        missing = {key for key in sorted(part.thumbnail_keys) if not self._add_thumbnail(key)}
        lacks_media = part.media_path is not None and not self._add_media(part, part.media_path)
        if not missing and not lacks_media:
            return None
        media_path = part.media_path if lacks_media else None
        return part._replace(media_path=media_path, thumbnail_keys=frozenset(missing))

    def _add_thumbnail(self, key: str) -> bool:
        try:
            with self._library.thumbnails.path(key).open("rb") as stream:
                self._writer.add(f"{THUMBNAILS}{key}", stream)
        except (FileNotFoundError, ValueError):  # ValueError: a key that names no file of ours
            return False
        self.report.thumbnails += 1
        return True

    def _add_media(self, part: _Part, media_path: str) -> bool:
        try:
            with self._library.media.locate(media_path).open("rb") as stream:
                digest = self._writer.add(f"{MEDIA}{media_path}", stream)
        except (FileNotFoundError, ValueError):  # ValueError: a path that is no upload's
            return False
        self.report.media_files += 1
        if digest != part.sha256:
            self.report.damaged_media.append(part.filename)
        return True


def _settle(database: Database, copy: Database, files: _Files, lacking: list[_Part]) -> None:
    """Take videos that were deleted meanwhile out of the copy; of the others tell what they lack."""
    kept: set[str] = set()
    for chunk in in_chunks([part.video_id for part in lacking]):
        with database.writing() as session:  # whoever is just deleting one has ended before we look
            kept.update(session.scalars(select(Video.id).where(Video.id.in_(chunk)).with_for_update()))
    gone = [part.video_id for part in lacking if part.video_id not in kept]
    with copy.writing() as session:
        for video_id in gone:
            session.execute(delete(Video).where(Video.id == video_id))
    files.report.deleted_meanwhile = len(gone)
    for part in lacking:
        left = files.add(part) if part.video_id in kept else None  # a deletion that failed put its files back
        if left is not None:
            files.report.missing_thumbnails += len(left.thumbnail_keys)
            files.report.missing_media += [left.filename] if left.media_path else []


def _close_as_one_file(copy: Database) -> None:
    """Bring all of a SQLite database into its main file."""
    copy.close()
    with copy.engine.connect() as connection:
        driver = connection.connection.driver_connection
        if driver is not None:
            driver.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def _scratch_folder(folder: Path) -> Iterator[Path]:
    scratch = folder / f"{SCRATCH_PREFIX}{uuid4().hex}"
    scratch.mkdir(mode=0o700)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _sweep_abandoned(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sweep_temporary_files(folder)
    for scratch in folder.glob(f"{SCRATCH_PREFIX}*"):
        if scratch.stat().st_mtime < time.time() - ABANDONED_AFTER_S:
            shutil.rmtree(scratch, ignore_errors=True)
