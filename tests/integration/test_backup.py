"""A backup holds the library of one moment, on either database, and gives it back whole or not at all."""

import io
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select

from indexer.backup.archive import UnusableBackup
from indexer.backup.restoring import LibraryNotEmpty, restore
from indexer.backup.saving import BackupFailed, back_up
from indexer.catalog import videos, words_said
from indexer.catalog.states import JobState, VideoState
from indexer.catalog.tables import Generation, Job, Video
from indexer.config import Settings
from indexer.folders.walk import hash_file
from indexer.library import Library, open_library
from indexer.vector_index.follower import IndexFollower
from indexer.video_deletion import delete_video
from tests.factories import make_job, make_video
from tests.postgres import PostgresServer
from tests.stocked_library import add_video, files_of, rows_of, stock

MADE_BY = "0.1.0"


@contextmanager
def opened(home: Path, kind: str, request: pytest.FixtureRequest) -> Iterator[Library]:
    """Yield an empty library on SQLite or Postgres."""
    if kind == "sqlite":
        library = open_library(Settings(home=home))
        yield library
        library.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.copy_of(server.template) as url:
        library = open_library(Settings(home=home, database_url=url))
        yield library
        library.close()


@pytest.mark.parametrize("source", ["sqlite", "postgres"])
@pytest.mark.parametrize("target", ["sqlite", "postgres"])
def test_a_library_comes_back_as_it_was_on_the_other_database_too(
    source: str, target: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    archive = tmp_path / "backups" / "library.tar"
    with opened(tmp_path / "old", source, request) as library:
        stock(library, b"one", b"two", b"three")
        with library.database.writing() as session:
            videos.delete(session, session.scalars(select(Video.id)).first() or "")
        expected, files = rows_of(library), files_of(library)
        report = back_up(library, archive, MADE_BY)
    assert (report.videos, report.media_files, report.thumbnails) == (2, 3 - 1, 4)
    assert report.size_bytes == archive.stat().st_size
    assert archive.stat().st_mode & 0o777 == 0o600
    assert list(archive.parent.iterdir()) == [archive]

    with opened(tmp_path / "new", target, request) as library:
        restored = restore(library, archive, is_replacing=False)

        assert rows_of(library) == expected
        orphans = set(files) - set(files_of(library))
        assert len(orphans) == 3  # of the video that was deleted without its files
        assert {name: files[name] for name in files_of(library)} == files_of(library)
        assert (restored.media_files, restored.missing_media) == (2, [])
        with library.database.reading() as session:
            assert len(words_said.search(session, "snow")) == 2
        serving = rows_of(library)["generations"][0]
        add_video(library, Generation(id=serving[0]), b"four")  # rows are numbered on behind the old ones
        assert len(rows_of(library)["videos"]) == 3


def test_a_backup_is_a_tar_that_others_can_check(library: Library, tmp_path: Path) -> None:
    stock(library, b"one")
    back_up(library, tmp_path / "library.tar", MADE_BY)
    (tmp_path / "out").mkdir()

    subprocess.run(["tar", "xf", tmp_path / "library.tar", "-C", tmp_path / "out"], check=True)
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path / "out", check=True)


def test_what_was_running_waits_again_and_followers_read_the_restored_library_anew(
    database_url: str, tmp_path: Path
) -> None:
    library = open_library(Settings(home=tmp_path / "home", database_url=database_url))
    generation = stock(library, b"one").generation
    with library.database.writing() as session:
        busy = make_video(state=VideoState.INDEXING)
        session.add(busy)
        session.flush()
        session.add(make_job(busy, state=JobState.RUNNING, owner="elsewhere:1", attempts=1, token=1))
    back_up(library, tmp_path / "library.tar", MADE_BY)
    follower = IndexFollower(library.database, generation.id, generation.fingerprint, 8, tmp_path / "x")
    add_video(library, generation, b"two")
    assert follower.catch_up() == 2

    restore(library, tmp_path / "library.tar", is_replacing=True)

    with library.database.reading() as session:
        job = session.scalars(select(Job).where(Job.video_id == busy.id)).one()
        assert (job.state, job.attempts, job.owner) == (JobState.QUEUED, 0, None)
        assert session.get_one(Video, busy.id).state is VideoState.PENDING
    with follower.reading() as view:
        assert (view.video_count, view.revision) == (1, 3)
    follower.close()
    library.close()


def test_a_library_that_holds_something_is_replaced_only_when_that_is_said(
    database_url: str, tmp_path: Path
) -> None:
    library = open_library(Settings(home=tmp_path / "home", database_url=database_url))
    generation = stock(library, b"one", b"two").generation
    expected = rows_of(library), files_of(library)
    back_up(library, tmp_path / "library.tar", MADE_BY)
    with library.database.writing() as session:
        videos.delete(session, session.scalars(select(Video.id)).first() or "")
    add_video(library, generation, b"three")
    changed = rows_of(library), files_of(library)

    with pytest.raises(LibraryNotEmpty, match=r"not empty: .* --replace"):
        restore(library, tmp_path / "library.tar", is_replacing=False)
    assert (rows_of(library), files_of(library)) == changed

    restore(library, tmp_path / "library.tar", is_replacing=True)
    assert (rows_of(library), files_of(library)) == expected
    library.close()


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def without(member: str) -> Callable[[bytes], bytes]:
    return lambda content: repacked(content, lambda name: name != member)


def repacked(content: bytes, is_kept: Callable[[str], bool], more: dict[str, bytes] | None = None) -> bytes:
    """Return an archive of the members that are kept, with more before them."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as new, tarfile.open(fileobj=io.BytesIO(content)) as old:
        for name, added in (more or {}).items():
            member = tarfile.TarInfo(name)
            member.size = len(added)
            new.addfile(member, io.BytesIO(added))
        for member in old:
            if is_kept(member.name):
                new.addfile(member, old.extractfile(member))
    return written.getvalue()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "no end": lambda content: content[: content.rindex(b"SHA256SUMS")],
    "checksums cut short": lambda content: content[: content.rindex(b"  catalog.db")],
    "media flipped": lambda content: flipped(content, content.index(b"the film of the video")),
    "catalog flipped": lambda content: flipped(content, content.index(b"SQLite format 3") + 5000),
    "name flipped": lambda content: flipped(content, content.index(b"media/")),
    "checksum flipped": lambda content: flipped(content, content.rindex(b"  catalog.db") - 1),
    "a thumbnail left out": lambda content: repacked(content, lambda name: "thumbnails" not in name),
    "no catalog": without("catalog.db"),
    "no header": without("reelseek-backup.json"),
    "something else in it": lambda content: repacked(content, lambda _: True, {"media/../../x": b"x"}),
    "text": lambda content: b"not a backup\n" * 100,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_an_archive_that_is_not_whole_is_refused_and_nothing_is_touched(
    library: Library, damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    stock(library, b"the film of the video " * 200)
    archive = tmp_path / "library.tar"
    back_up(library, archive, MADE_BY)
    archive.write_bytes(damage(archive.read_bytes()))
    before = rows_of(library), files_of(library), sorted(library.settings.home_folder.iterdir())

    with pytest.raises(UnusableBackup, match=r"library\.tar .*Nothing was changed"):
        restore(library, archive, is_replacing=True)

    assert (rows_of(library), files_of(library), sorted(library.settings.home_folder.iterdir())) == before


def test_flipping_any_byte_is_noticed_or_changes_nothing_that_is_restored(
    library: Library, tmp_path: Path
) -> None:
    stock(library, b"the film of the video")
    expected = rows_of(library), files_of(library)
    archive = tmp_path / "library.tar"
    back_up(library, archive, MADE_BY)
    content = archive.read_bytes()
    refused = 0
    for place in range(0, len(content), len(content) // 30):
        archive.write_bytes(flipped(content, place))
        try:
            restore(library, archive, is_replacing=True)
        except UnusableBackup:
            refused += 1
        assert (rows_of(library), files_of(library)) == expected
    assert refused > 20


def test_a_backup_made_while_videos_come_and_go_is_of_one_moment(database_url: str, tmp_path: Path) -> None:
    library = open_library(Settings(home=tmp_path / "home", database_url=database_url))
    generation = stock(library, *(f"video {number}".encode() for number in range(8))).generation
    with changing_all_the_time(library, generation):
        reports = [back_up(library, tmp_path / f"{turn}.tar", MADE_BY) for turn in range(3)]
    library.close()

    for turn, report in enumerate(reports):
        assert (report.missing_media, report.missing_thumbnails) == ([], 0)
        new = open_library(Settings(home=tmp_path / f"new-{turn}"))
        restored = restore(new, tmp_path / f"{turn}.tar", is_replacing=False)
        assert restored.missing_media == []
        with new.database.reading() as session:
            rows = session.scalars(select(Video)).all()
        assert len(rows) + report.deleted_meanwhile in {8, 9}  # 9 between an upload and a deletion
        for video in rows:
            assert hash_file(new.media.locate(video.media_path)) == video.sha256
        new.close()


@contextmanager
def changing_all_the_time(library: Library, generation: Generation) -> Iterator[None]:
    """Add a video and delete the oldest one, again and again, while the block runs."""
    is_over = threading.Event()

    def change() -> None:
        for number in count(100):
            if is_over.is_set():
                return
            add_video(library, generation, f"video {number}".encode())
            with library.database.reading() as session:
                oldest = session.scalars(select(Video.id).order_by(Video.added_at).limit(1)).one()
            delete_video(library, oldest)

    with ThreadPoolExecutor(1) as threads:
        changes = threads.submit(change)
        try:
            yield
        finally:
            is_over.set()
        changes.result()


def test_a_backup_tells_what_the_library_has_lost_and_keeps_its_rows(
    library: Library, tmp_path: Path
) -> None:
    lost, damaged, in_place = stock(library, b"one", b"two", b"three").videos
    library.media.delete(lost.media_path)
    library.media.locate(damaged.media_path).write_bytes(b"TWO")
    with library.database.writing() as session:
        session.get_one(Video, lost.id).filename = "lost.mp4"
        session.get_one(Video, damaged.id).filename = "damaged.mp4"
        session.get_one(Video, in_place.id).is_managed = False
        session.get_one(Video, in_place.id).media_path = "/films/three.mp4"

    report = back_up(library, tmp_path / "library.tar", MADE_BY)

    assert (report.missing_media, report.damaged_media, report.in_place) == (["lost.mp4"], ["damaged.mp4"], 1)
    new = open_library(Settings(home=tmp_path / "new"))
    assert restore(new, tmp_path / "library.tar", is_replacing=False).missing_media == ["lost.mp4"]
    assert new.media.locate(damaged.media_path).read_bytes() == b"TWO"
    with new.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Video)) == 3
    new.close()


def test_a_backup_that_cannot_be_written_leaves_what_was_there(library: Library, tmp_path: Path) -> None:
    stock(library, b"one")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BackupFailed, match=r"library\.tar could not be written, and nothing was left there"):
        back_up(library, tmp_path / "file" / "library.tar", MADE_BY)
    assert not list(tmp_path.glob(".*"))
