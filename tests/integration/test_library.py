"""Opening a library makes what is missing and keeps what is there."""

import os
from pathlib import Path

import pytest

from indexer.catalog import videos
from indexer.config import Settings
from indexer.library import Library, open_library
from model.durable_file import STALE_AFTER_S
from tests.factories import make_video


def test_a_library_opened_again_holds_what_was_put_into_it(library: Library) -> None:
    video = make_video()
    with library.database.writing() as session:
        session.add(video)
    library.close()

    again = open_library(library.settings)

    with again.database.reading() as session:
        assert videos.find_by_sha256(session, video.sha256) is not None
    again.close()


def test_everything_of_a_library_lies_in_its_home(library: Library) -> None:
    home = library.settings.home_folder

    assert (home / "reelseek.db").is_file()
    assert library.media.root == home / "media"
    assert library.snapshot_path(3) == home / "index" / "generation-3.snapshot"


def test_opening_sweeps_what_dead_processes_left_half_written(library: Library) -> None:
    left = [library.media.root / ".partial-1", library.snapshot_path(1).parent / ".partial-2"]
    left.append(library.settings.home_folder / "cuts" / ".partial-3")
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
        long_ago = path.stat().st_mtime - STALE_AFTER_S - 1
        os.utime(path, (long_ago, long_ago))

    open_library(library.settings).close()

    assert not any(path.exists() for path in left)


def test_a_home_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ValueError, match=r"file/home' cannot be made \(Not a directory\): set REELSEEK_HOME"):
        open_library(Settings(home=tmp_path / "file" / "home"))


def test_a_file_that_is_no_database_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "reelseek.db").write_bytes(b"not a database at all" * 100)

    with pytest.raises(
        ValueError, match=r"reelseek\.db cannot be used \(file is not a database\): set REELSEEK"
    ):
        open_library(Settings(home=tmp_path))


def test_a_database_in_a_folder_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(
        ValueError, match=r"x\.db cannot be used \(Not a directory\): .* REELSEEK_DATABASE_URL"
    ):
        open_library(Settings(home=tmp_path, database_url=f"sqlite:///{tmp_path}/file/folder/x.db"))


def test_opening_deletes_uploads_that_were_never_recorded_and_no_other_file(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    lost, fresh, recorded, kept = (
        library.media.save([name.encode()], f"{name}.mp4", max_bytes=100)
        for name in ("lost", "fresh", "recorded", "kept")
    )
    library.media.keep(kept)  # its row is missing, as after an older copy of the database was put back
    with library.database.writing() as session:
        session.add(make_video(media_path=recorded.path, is_managed=True))
    for path in library.media.root.rglob("*"):
        if Path(fresh.path).name not in path.name:
            os.utime(path, (0, 0))

    open_library(library.settings).close()

    left = [one for one in (lost, fresh, recorded, kept) if library.media.locate(one.path).exists()]
    assert left == [fresh, recorded, kept]
    assert [record.__dict__["media_path"] for record in caplog.records] == [lost.path]
    caplog.clear()
    open_library(library.settings).close()
    assert caplog.records == []
