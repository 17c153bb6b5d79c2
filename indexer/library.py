"""One open library: its folder and its database, made and migrated on opening.

``HOME/reelseek.db``, ``HOME/media/``, ``HOME/uploads/``, ``HOME/thumbnails/``, ``HOME/index/``.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DatabaseError, OperationalError

from indexer.catalog import videos
from indexer.catalog.session import Database, open_database, parse_url
from indexer.config import Settings
from indexer.deletion_leftovers import settle, sweep, sweep_video
from indexer.media_store import Arrival, MediaStore
from indexer.restore_staging import sweep_abandoned
from indexer.thumbnails import ThumbnailStore
from indexer.upload_store import UploadStore
from model.durable_file import sweep_temporary_files

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Library:
    """What every process of an installation works on."""

    settings: Settings
    database: Database
    media: MediaStore
    uploads: UploadStore
    thumbnails: ThumbnailStore

    def snapshot_path(self, generation_id: int) -> Path:
        """Return where the vector index of a generation is kept between starts."""
        return self.settings.home_folder / "index" / f"generation-{generation_id}.snapshot"

    @property
    def previews_root(self) -> Path:
        """Return the folder of the films that play in any browser, in a folder for each video."""
        return self.settings.home_folder / "previews"

    @property
    def roots(self) -> tuple[Path, ...]:
        """Return the folders that hold files of videos."""
        return self.media.root, self.uploads.root, self.thumbnails.root, self.previews_root

    @property
    def made_roots(self) -> tuple[Path, ...]:
        """Return the folders of what is made of videos, in a folder for each: ``ab/<sha256>``."""
        return self.thumbnails.root, self.previews_root

    def sweep_deleted(self, sha256: str) -> None:
        """Delete what somebody has made of a video while it was deleted."""
        sweep_video(self.database, self.made_roots, sha256)

    def settle_deletions(self, video_id: str) -> None:
        """Bring the files of a deletion that was cut off to where the catalog says; never raises."""
        settle(self.database, self.roots, video_id)

    def drop_snapshots(self, generation_ids: Iterable[int]) -> int:
        """Delete the snapshots of generations, and return how many there were; they are made anew."""
        count = 0
        for generation_id in generation_ids:
            path = self.snapshot_path(generation_id)
            count += path.exists()
            path.unlink(missing_ok=True)
        return count

    def close(self) -> None:
        """Close the database's connections."""
        self.database.close()


def open_library(settings: Settings) -> Library:
    """Return the library of ``settings``, made if missing, migrated, and swept of what dead processes left.

    Raises as ``open_unswept``.
    """
    library = open_unswept(settings)
    library.media.sweep()
    sweep_abandoned(settings.home_folder)
    settle(library.database, library.roots)
    sweep(library.database, library.made_roots)
    for arrival in library.media.unrecorded():
        settle_upload(library, arrival)
    for folder in ("index", "cuts"):
        sweep_temporary_files(settings.home_folder / folder)
    return library


def open_unswept(settings: Settings) -> Library:
    """Return the library of ``settings``, made if missing and migrated, its files as they are.

    Raises ValueError when its folder or its database cannot be used, UnknownSchema when a newer version wrote
    the database, OperationalError when that does not answer.
    """
    home = settings.home_folder
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"library folder {str(home)!r} cannot be made ({error.strerror}): set REELSEEK_HOME to a folder "
            "that can be written"
        ) from error
    return Library(
        settings=settings,
        database=open_catalog(settings),
        media=MediaStore(home / "media"),
        uploads=UploadStore(home / "uploads"),
        thumbnails=ThumbnailStore(home / "thumbnails"),
    )


def settle_upload(library: Library, arrival: Arrival) -> None:
    """Keep a stored upload that the catalog has recorded, and delete one that it has not.

    A crash may have come between the two; or a deletion of the same video, which leaves the bytes to us.
    """
    with library.database.writing() as session:  # a deletion of these bytes is waited for
        if videos.has_media(session, arrival.path):
            library.media.keep(arrival)
        elif library.media.discard(arrival):
            log.warning("an upload that is not in the catalog is deleted", extra={"media_path": arrival.path})


def open_catalog(settings: Settings) -> Database:
    """Return the database of ``settings``, migrated; raises ValueError when it cannot be used.

    Raises OperationalError when it does not answer, UnknownSchema when a newer version wrote it.
    """
    try:
        return open_database(settings.catalog_url)
    except OperationalError:
        raise
    except (OSError, DatabaseError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.orig
        shown = parse_url(settings.catalog_url).render_as_string(hide_password=True)
        raise ValueError(
            f"database {shown} cannot be used ({reason}): set REELSEEK_HOME to a folder that can be written, "
            "or REELSEEK_DATABASE_URL to a database of ReelSeek"
        ) from error
