"""One open library: its folder and its database, made and migrated on opening.

``HOME/reelseek.db``, ``HOME/media/``, ``HOME/thumbnails/``, ``HOME/index/``.
"""

from dataclasses import dataclass
from pathlib import Path

from indexer.catalog.session import Database, open_database
from indexer.config import Settings
from indexer.durable_file import sweep_temporary_files
from indexer.media_store import MediaStore
from indexer.thumbnails import ThumbnailStore


@dataclass(frozen=True)
class Library:
    """What every process of an installation works on."""

    settings: Settings
    database: Database
    media: MediaStore
    thumbnails: ThumbnailStore

    def snapshot_path(self, generation_id: int) -> Path:
        """Return where the vector index of a generation is kept between starts."""
        return self.settings.home_folder / "index" / f"generation-{generation_id}.snapshot"

    def close(self) -> None:
        """Close the database's connections."""
        self.database.close()


def open_library(settings: Settings) -> Library:
    """Return the library of ``settings``, made if missing and migrated.

    Raises ValueError when its folder cannot be made, UnknownSchema when a newer version wrote its database.
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
        database=open_database(settings.catalog_url),
        media=MediaStore(home / "media"),
        thumbnails=ThumbnailStore(home / "thumbnails"),
    )
    library.media.sweep()
    sweep_temporary_files(home / "index")
    return library
