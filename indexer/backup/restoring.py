"""Restoring a library from a backup: whole, or not at all.

0. No other process uses the library: it would go on with jobs, uploads and an index of what was replaced.
1. All of the archive is unpacked aside and checked: nothing of the library is touched yet.
2. Media and thumbnails move to their places. They are named by what is in them, so whatever the library had
   under those names was the same; should we be killed here, the next start or the doctor removes them.
3. The rows are replaced in one transaction: from then on the library is that of the backup.
4. What only the old library had is deleted: files that no row names, indexes, previews, unfinished uploads.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError, OperationalError

from indexer import restore_staging
from indexer.backup.archive import CATALOG, MEDIA, THUMBNAILS, ArchiveReader, UnusableBackup
from indexer.backup.catalog_copy import RowCounts, is_empty, replace_rows
from indexer.catalog.session import Database, open_database
from indexer.catalog.tables import Video
from indexer.doctor.leftovers import delete_all_of
from indexer.doctor.media_files import orphaned_media
from indexer.doctor.thumbnail_files import orphaned_thumbnails
from indexer.errors import UnknownSchema
from indexer.library import Library, settle_upload
from indexer.media_store import Arrival
from indexer.restore_staging import Staging

log = logging.getLogger(__name__)


class LibraryNotEmpty(ValueError):  # noqa: N818 - as the other reasons
    """The library to restore into holds something, and nobody said that it may be replaced."""


@dataclass
class RestoreReport:
    """What was restored."""

    rows: RowCounts
    media_files: int
    thumbnails: int
    in_place: int
    """Videos whose files lie outside the library: the backup only says where they were."""
    missing_media: list[str] = field(default_factory=list)
    """File names of videos whose bytes the backup does not hold, as the library had lost them."""


def restore(library: Library, path: Path, *, is_replacing: bool) -> RestoreReport:
    """Make ``library`` what the backup at ``path`` holds, and return what that is.

    Raises UnusableBackup for a file that is not a whole backup, LibraryNotEmpty unless it may be replaced,
    SchemaInUse while another process uses the library, ValueError when it cannot be written; the library is
    as it was then.
    """
    with library.database.schema.keeping_others_out():
        if not is_replacing:
            _require_empty(library)
        try:
            report = _restore(library, path)
        except OSError as error:
            raise ValueError(
                f"the backup {path} could not be restored, and the library is as it was: {error}. See that "
                "its folder can be written and has room for all that is in the backup"
            ) from error
        except OperationalError as error:
            raise ValueError(
                f"the backup {path} could not be restored: the database says {error.orig}. See that it runs "
                "and has room, then restore again"
            ) from error
        _clear_away_old(library)
    return report


def _restore(library: Library, path: Path) -> RestoreReport:
    home = library.settings.home_folder
    restore_staging.sweep_abandoned(home)
    with restore_staging.staging_folders(home) as staging:
        archive = ArchiveReader(path).extract(partial(_place, staging))
        catalog = _open_copy(staging.home / CATALOG, path)
        try:
            return _bring_in(library, archive, staging, catalog)
        finally:
            catalog.close()


def _place(staging: Staging, name: str) -> Path:
    """Return where a member of the archive is unpacked."""
    for prefix, folder in ((MEDIA, staging.media), (THUMBNAILS, staging.thumbnails)):
        if name.startswith(prefix):
            return folder / name.removeprefix(prefix)
    return staging.home / name


def _require_empty(library: Library) -> None:
    with library.database.reading() as session:
        if is_empty(session):
            return
    raise LibraryNotEmpty(
        f"the library in {library.settings.home_folder} is not empty: name another one with REELSEEK_HOME "
        "(and REELSEEK_DATABASE_URL), or replace all that is in it with --replace"
    )


def _open_copy(path: Path, archive: Path) -> Database:
    """Return the backup's rows, brought to this version's schema."""
    try:
        with path.open("rb+"):  # else opening would make an empty one
            copy = open_database(f"sqlite:///{path}")
    except UnknownSchema as error:
        raise UnusableBackup(
            f"{archive} was made by a newer ReelSeek: install that one to restore it. Nothing was changed"
        ) from error
    except OperationalError:  # a full disk, for one
        raise
    except DatabaseError as error:
        raise UnusableBackup(
            f"the rows in {archive} cannot be read: {error.orig}. Nothing was changed"
        ) from error
    with copy.reading() as session:
        found = session.scalar(text("PRAGMA integrity_check"))
    if found != "ok":
        copy.close()
        raise UnusableBackup(f"the rows in {archive} are damaged: {found}. Nothing was changed")
    return copy


def _bring_in(library: Library, archive: ArchiveReader, staging: Staging, catalog: Database) -> RestoreReport:
    media_paths = archive.media_paths
    brought: list[Arrival] = []
    new_thumbnails: set[Path] = set()
    try:
        for arrival in _place_media(library, media_paths, staging):
            brought.append(arrival)
        thumbnails = _place_thumbnails(library, archive, staging, new_thumbnails)
        os.sync()  # a power cut must not leave the rows without their files
        with catalog.reading() as source, library.database.writing() as target:
            counts = replace_rows(source, target)
    except BaseException:
        _take_back(library, brought, new_thumbnails)
        raise
    for arrival in brought:
        library.media.keep(arrival)
    with catalog.reading() as session:
        columns = (Video.filename, Video.media_path, Video.is_managed)
        rows = session.execute(select(*columns).order_by(Video.filename)).all()
    return RestoreReport(
        rows=counts,
        media_files=len(media_paths),
        thumbnails=thumbnails,
        in_place=sum(not row.is_managed for row in rows),
        missing_media=[row.filename for row in rows if row.is_managed and row.media_path not in media_paths],
    )


def _place_media(library: Library, media_paths: dict[str, str], staging: Staging) -> Iterator[Arrival]:
    """Move media to their places and yield each as it is there."""
    for media_path, digest in media_paths.items():
        is_new = not library.media.locate(media_path).exists()
        is_good = Path(media_path).stem == digest
        if is_new or is_good:  # one that was damaged before the backup replaces none
            yield library.media.adopt(staging.media / media_path, Path(media_path).stem, media_path)


def _place_thumbnails(library: Library, archive: ArchiveReader, staging: Staging, new: set[Path]) -> int:
    """Move thumbnails to their places and return how many; those that were not there before join ``new``."""
    count = 0
    for key in archive.names(THUMBNAILS):
        path = library.thumbnails.path(key)
        if not path.exists():
            new.add(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        (staging.thumbnails / key).replace(path)
        count += 1
    return count


def _take_back(library: Library, brought: list[Arrival], thumbnails: set[Path]) -> None:
    """Delete the files that came for nothing; never raises, so that the first error is the one told.

    A commit that failed may have happened all the same. What is not deleted here, a later start or the doctor
    does.
    """
    try:
        for path in thumbnails.intersection(orphaned_thumbnails(library)):
            path.unlink()
        for arrival in brought:
            settle_upload(library, arrival)
    except Exception:
        log.warning("files of a restore that failed were left", exc_info=True)


def _clear_away_old(library: Library) -> None:
    """Delete what only the old library had; what cannot be deleted, the doctor finds."""
    home = library.settings.home_folder
    caches = [*(home / "index").glob("generation-*.snapshot"), *(home / "uploads").glob("*")]
    for path in [*orphaned_media(library), *orphaned_thumbnails(library), *caches]:
        try:
            if path.is_dir():
                delete_all_of(path)
            else:
                path.unlink(missing_ok=True)
        except OSError:
            log.warning("a file of the library that was replaced was left", extra={"path": str(path)})
    delete_all_of(library.previews_root)
