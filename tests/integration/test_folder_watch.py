"""Watched folders: what lies still is queued once, whatever happens to the folder."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.catalog.session import open_database
from indexer.catalog.tables import Job, Video
from indexer.folders.watch import FolderWatch
from indexer.library import Library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder to watch."""
    folder = tmp_path / "dropbox"
    folder.mkdir()
    return folder


def names(library: Library) -> list[str]:
    """Return the files of the library's videos, in order of names."""
    with library.database.reading() as session:
        return sorted(Path(path).name for (path,) in session.query(Video.media_path))


def test_a_file_is_queued_once_it_lies_still(library: Library, folder: Path) -> None:
    watch = FolderWatch(library, [folder], settle_s=0.2)
    film = folder / "film.mp4"
    for part in range(3):
        with film.open("ab") as file:
            file.write(b"part %d" % part)
        assert watch.look() == []
        time.sleep(0.1)
    time.sleep(0.2)
    (queued,) = watch.look()
    assert queued.path == film
    time.sleep(0.3)
    assert watch.look() == []
    assert names(library) == ["film.mp4"]


@pytest.mark.parametrize(
    "name", [".film.mp4", "film.mp4.part", "film.part.mp4", "film.mp4.crdownload", "~film.mp4", "film.tmp"]
)
def test_names_of_unfinished_files_are_passed_over(library: Library, folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\0\0\0\x18ftypisom")
    watch = FolderWatch(library, [folder], settle_s=0.0)
    assert watch.look() == []
    (folder / name).rename(folder / "film.mp4")
    assert [queued.path.name for queued in watch.look()] == ["film.mp4"]


def test_a_folder_that_goes_away_and_comes_back_is_gone_on_with(
    library: Library, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "one.mp4").write_bytes(b"one")
    watch = FolderWatch(library, [folder], settle_s=0.0)
    assert len(watch.look()) == 1
    folder.rename(tmp_path / "unplugged")
    assert watch.look() == []
    (tmp_path / "unplugged" / "two.mp4").write_bytes(b"two")
    (tmp_path / "unplugged").rename(folder)
    assert [queued.path.name for queued in watch.look()] == ["two.mp4"]
    assert "is gone" in caplog.text and "is back" in caplog.text


def test_a_moved_file_is_followed_and_not_indexed_again(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "archive"
    other.mkdir()
    (folder / "film.mp4").write_bytes(b"film")
    watch = FolderWatch(library, [folder, other], settle_s=0.0)
    watch.look()
    (folder / "film.mp4").rename(other / "renamed.mp4")
    watch.look()
    with library.database.reading() as session:
        video = session.query(Video).one()
        assert session.query(Job).count() == 1
    assert (video.media_path, video.title) == (str(other / "renamed.mp4"), "renamed")


def test_a_restart_reads_nothing_that_is_known(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "film.mp4").write_bytes(b"film")
    FolderWatch(library, [folder], settle_s=0.0).look()
    monkeypatch.setattr("indexer.folders.intake.hash_file", lambda *_: pytest.fail("it was read again"))
    assert FolderWatch(library, [folder], settle_s=0.0).look() == []


def test_the_end_of_the_watch_does_not_wait_for_a_large_file(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "film.mp4").write_bytes(b"film")
    is_over = threading.Event()

    def read_on(_: Path, on_bytes: Callable[[int], None]) -> str:
        is_over.set()
        while True:
            on_bytes(1 << 20)

    monkeypatch.setattr("indexer.folders.intake.hash_file", read_on)
    FolderWatch(library, [folder], settle_s=0.0).run(is_over)
    assert names(library) == []


def test_a_refused_file_is_told_of_once(
    library: Library, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "empty.mp4").touch()
    watch = FolderWatch(library, [folder], settle_s=0.0)
    for _ in range(3):
        watch.look()
    assert caplog.text.count("not taken") == 1
    (folder / "empty.mp4").write_bytes(b"now there is something")
    assert len(watch.look()) == 1


def test_the_library_s_own_files_are_not_watched(library: Library) -> None:
    home = library.settings.home_folder
    shutil.copy(__file__, home / "film.mp4")
    assert FolderWatch(library, [home.parent], settle_s=0.0).look() == []


def test_the_command_ends_with_sigterm_and_has_queued_what_was_there(tmp_path: Path, folder: Path) -> None:
    (folder / "film.mp4").write_bytes(b"film")
    environment = {**os.environ, "REELSEEK_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "watch", str(folder), "--settle", "0", "--workers", "0"],
        env=environment,
        cwd=Path(__file__).parents[2],
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 90.0
        database_file = tmp_path / "home" / "reelseek.db"
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.3)
            if b"film.mp4" in b"".join(
                path.read_bytes() for path in database_file.parent.glob("reelseek.db*")
            ):
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
    database = open_database(f"sqlite:///{database_file}")
    with database.reading() as session:
        assert session.query(Job).count() == 1
    database.close()
