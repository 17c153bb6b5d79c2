"""One open library: its folder and its database, made and migrated on opening.

``HOME/reelseek.db``, ``HOME/media/``, ``HOME/uploads/``, ``HOME/thumbnails/``, ``HOME/index/``.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DatabaseError, OperationalError

from indexer.catalog import videos
from indexer.catalog.session import Database, open_database, parse_url
from indexer.config import Settings
from indexer.media_store import MediaStore
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

    def close(self) -> None:
        """Close the database's connections."""
        self.database.close()


def open_library(settings: Settings) -> Library:
    """Return the library of ``settings``, made if missing and migrated.

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
    library = Library(
        settings=settings,
        database=open_catalog(settings),
        media=MediaStore(home / "media"),
        uploads=UploadStore(home / "uploads"),
        thumbnails=ThumbnailStore(home / "thumbnails"),
    )
    library.media.sweep()
    _delete_unrecorded_uploads(library)
    for folder in ("index", "cuts"):
        sweep_temporary_files(home / folder)
    return library


def _delete_unrecorded_uploads(library: Library) -> None:
    """Delete the uploads that a crash, or a database that went away, kept from being recorded."""
    if not (media_paths := library.media.unrecorded()):
        return
    with library.database.writing() as session:  # an upload of the same bytes waits, or is seen
        for media_path in media_paths:
            if videos.has_media(session, media_path):
                library.media.keep(media_path)
            elif library.media.delete(media_path):
                log.warning("an upload that was never recorded is deleted", extra={"media_path": media_path})


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
