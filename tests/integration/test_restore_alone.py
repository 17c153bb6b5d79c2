"""A library is restored while nobody else uses it, and what a killed restore left is cleared away."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from indexer.backup.restoring import restore
from indexer.backup.saving import back_up
from indexer.config import Settings
from indexer.errors import SchemaInUse
from indexer.library import Library, open_library
from indexer.restore_staging import staging_folders
from tests.stocked_library import add_video, files_of, rows_of, stock


def open_other(home: Path, database_url: str) -> Library:
    """Return the library as another process has it open."""
    url = make_url(database_url)
    if url.drivername != "sqlite":
        url = url.update_query_dict({"application_name": "reelseek 1 elsewhere"})
    other = open_library(Settings(home=home, database_url=url.render_as_string(hide_password=False)))
    other.database.schema.state()  # connects
    return other


def test_a_library_that_another_process_uses_is_not_replaced(database_url: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    library = open_library(Settings(home=home, database_url=database_url))
    generation = stock(library, b"one").generation
    back_up(library, tmp_path / "library.tar", "0")
    add_video(library, generation, b"two")
    expected = rows_of(library), files_of(library)

    other = open_other(home, database_url)
    with pytest.raises(SchemaInUse, match=r"another process uses the library in|reelseek 1 elsewhere"):
        restore(library, tmp_path / "library.tar", is_replacing=True)
    assert (rows_of(library), files_of(library)) == expected
    other.close()

    restore(library, tmp_path / "library.tar", is_replacing=True)
    assert len(rows_of(library)["videos"]) == 1
    open_other(home, database_url).close()  # and others may use it again
    library.close()


def test_what_a_killed_restore_left_goes_as_the_library_is_opened_but_not_what_is_being_restored(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    open_library(Settings(home=home)).close()
    for root in (home, home / "media", home / "thumbnails"):
        (root / ".restoring-1" / "ab").mkdir(parents=True)
    with staging_folders(home) as staging:
        staging.media.mkdir()
        open_library(Settings(home=home)).close()
        assert set(home.rglob(".restoring-*")) == {staging.home, staging.media}
    assert list(home.rglob(".restoring-*")) == []


def test_a_deletion_that_was_cut_off_keeps_no_library_from_being_restored(
    library: Library, tmp_path: Path
) -> None:
    stock(library, b"one")
    back_up(library, tmp_path / "library.tar", "0")
    (library.uploads.root / ".deleted").mkdir(parents=True)
    (library.uploads.root / ".deleted" / "x").write_bytes(b"x")

    restore(library, tmp_path / "library.tar", is_replacing=True)
    assert list(library.uploads.root.iterdir()) == []
