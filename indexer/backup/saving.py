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
from sqlalchemy.orm import Session

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


class _Named(NamedTuple):
    """What the copied catalog says of a video."""

    id: str
    filename: str
    sha256: str
    media_path: str
    is_managed: bool


def back_up(library: Library, path: Path, version: str) -> BackupReport:
    """Write a backup of ``library`` to ``path``, replacing what is there, whole or not at all.

    ``version`` is what the backup says it was made by. Raises BackupFailed when it cannot be written.
    """
    try:
        _sweep_abandoned(path.parent)
        with temporary_file(path.parent) as temporary, _scratch_folder(path.parent) as scratch:
            temporary.path.chmod(0o600)  # secrets of webhooks are in it
            writer = ArchiveWriter(temporary.stream, version)
            report = _write(library, writer, scratch / CATALOG)
            writer.finish()
            report.size_bytes = temporary.stream.tell()
            temporary.publish(path)
    except OSError as error:
        raise BackupFailed(
            f"the backup {path} could not be written, and nothing was left there: {error}. Name a file in a "
            "folder that can be written and has room, and see that the library's own files can be read"
        ) from error
    return report


def _write(library: Library, writer: ArchiveWriter, catalog: Path) -> BackupReport:
    report = BackupReport()
    copy = open_database(f"sqlite:///{catalog}")
    try:
        with library.database.reading() as source, copy.writing() as target:
            copy_rows(source, target)
        suspects = _add_files(library, copy, writer, report)
        _settle_suspects(library.database, copy, suspects, report)
        with copy.reading() as session:
            report.videos = len(session.scalars(select(Video.id)).all())
        _close_as_one_file(copy)
    finally:
        copy.close()
    with catalog.open("rb") as stream:
        writer.add(CATALOG, stream)
    return report


def _add_files(
    library: Library, copy: Database, writer: ArchiveWriter, report: BackupReport
) -> dict[str, "_Lacking"]:
    """Add media and thumbnails, and return what the videos lack of which not all was there."""
    lacking: dict[str, _Lacking] = {}
    with copy.reading() as session:
        for video in _videos(session):
            keys = session.scalars(select(Clip.thumbnail_key).where(Clip.video_id == video.id)).all()
            missing = sum(not _add_thumbnail(library, writer, key, report) for key in sorted(set(keys)))
            has_media = not video.is_managed or _add_media(library, writer, video, report)
            report.in_place += not video.is_managed
            if missing or not has_media:
                lacking[video.id] = _Lacking(video.filename, missing, not has_media)
    return lacking


class _Lacking(NamedTuple):
    filename: str
    thumbnails: int
    lacks_media: bool


def _videos(session: Session) -> Iterator[_Named]:
    columns = (Video.id, Video.filename, Video.sha256, Video.media_path, Video.is_managed)
    for row in session.execute(select(*columns).order_by(Video.added_at, Video.id)).all():
        yield _Named(*row)


def _add_thumbnail(library: Library, writer: ArchiveWriter, key: str, report: BackupReport) -> bool:
    try:
        with library.thumbnails.path(key).open("rb") as stream:
            writer.add(f"{THUMBNAILS}{key}", stream)
    except (FileNotFoundError, ValueError):  # ValueError: a key that names no file of ours
        return False
    report.thumbnails += 1
    return True


def _add_media(library: Library, writer: ArchiveWriter, video: _Named, report: BackupReport) -> bool:
    try:
        with library.media.locate(video.media_path).open("rb") as stream:
            digest = writer.add(f"{MEDIA}{video.media_path}", stream)
    except (FileNotFoundError, ValueError):  # ValueError: a path that is no upload's
        return False
    report.media_files += 1
    if digest != video.sha256:
        report.damaged_media.append(video.filename)
    return True


def _settle_suspects(
    database: Database, copy: Database, lacking: dict[str, _Lacking], report: BackupReport
) -> None:
    """Take videos that were deleted meanwhile out of the copy, and tell of the others what they lack."""
    kept: set[str] = set()
    for chunk in in_chunks(list(lacking)):
        with database.writing() as session:  # whoever is just deleting one has ended before we look
            kept.update(session.scalars(select(Video.id).where(Video.id.in_(chunk)).with_for_update()))
    with copy.writing() as session:
        for video_id, lack in lacking.items():
            if video_id not in kept:
                session.execute(delete(Video).where(Video.id == video_id))
                report.deleted_meanwhile += 1
                continue
            report.missing_thumbnails += lack.thumbnails
            if lack.lacks_media:
                report.missing_media.append(lack.filename)


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
