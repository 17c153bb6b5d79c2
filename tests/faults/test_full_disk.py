"""A full disk (a tmpfs of 8 MiB): told with what to do, nothing half-written, and all goes on after."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from indexer.backup.saving import BackupFailed, back_up
from indexer.catalog import jobs
from indexer.catalog.states import JobState
from indexer.config import Settings
from indexer.library import open_library
from tests.deleting import files_below
from tests.faults.small_disk import filled, leftovers, small_disk
from tests.indexing import enqueue, the_job, thumbnails, worker_of
from tests.service import Service, open_service, search
from tests.synthetic_video import write_plain
from tests.tus_client import begin, offset_of, patch
from tests.upload_forms import FORM_TYPE, form

BIG = bytes(range(256)) * 4096  # 1 MiB
KIB = 1024


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Yield a home folder with everything in it on a disk of 8 MiB."""
    home = tmp_path / "home"
    with small_disk(home):
        yield home


def pieces(body: bytes) -> Iterator[bytes]:
    """Yield a body whose length is not told beforehand, so that nobody can refuse it at once."""
    for start in range(0, len(body), 64 * KIB):
        yield body[start : start + 64 * KIB]


def post(service: Service) -> tuple[int, str]:
    """Return status and kind of the answer to an upload of unknown length."""
    body = form(('name="file"; filename="film.mp4"', BIG))
    answer = service.client.post("/videos", content=pieces(body), headers={"Content-Type": FORM_TYPE})
    return answer.status_code, answer.json().get("type", "")


def test_an_upload_onto_a_full_disk_is_refused_and_leaves_nothing(home: Path) -> None:
    with open_service(home) as service:
        service.add_video(["a cat"])
        before = files_below(home)
        with filled(home, 512 * KIB):
            assert post(service) == (507, "/problems/storage-full")
            assert len(search(service, q="a cat")["data"]) == 1
        assert (files_below(home), leftovers(home)) == (before, [])
        assert post(service)[0] == 202


def test_a_resumable_upload_keeps_what_came_and_goes_on_when_there_is_room(home: Path) -> None:
    with open_service(home) as service:
        url = begin(service, len(BIG))
        with filled(home, 512 * KIB):
            answer = patch(service, url, 0, BIG)
            assert (answer.status_code, answer.json()["type"]) == (507, "/problems/storage-full")
            kept = offset_of(service, url)
            assert 0 < kept < len(BIG)
            assert search(service, q="a cat")["data"] == []
        assert patch(service, url, kept, BIG[kept:]).status_code == 204
        (video,) = service.client.get("/videos").json()["data"]
        assert service.client.get(f"/videos/{video['id']}/stream").content == BIG
        assert leftovers(home) == []


@pytest.mark.allow_error_logs
def test_an_upload_that_a_full_database_cannot_record_is_told_and_leaves_nothing(home: Path) -> None:
    with open_service(home) as service:
        service.add_video(["a cat"])
        with closing(sqlite3.connect(home / "reelseek.db")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that the next page needs room
        before = files_below(home)
        with filled(home):
            answer = service.client.post("/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "9"})
            assert answer.status_code in {503, 507}, answer.text
            assert len(search(service, q="a cat")["data"]) == 1
        assert (files_below(home), leftovers(home)) == (before, [])
        assert post(service)[0] == 202
        with service.library.database.reading() as session:
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"


def test_a_job_that_finds_no_room_for_thumbnails_fails_with_the_reason_and_can_be_tried_again(
    tmp_path: Path,
) -> None:
    library = open_library(Settings(home=tmp_path / "home"))
    root = library.thumbnails.root
    with small_disk(root):
        job_id = enqueue(library, write_plain(tmp_path / "a.mp4"))
        with filled(root):
            report = worker_of(library).run_one()
            assert report is not None
            assert report.error is not None
            job = the_job(library, job_id)
            assert (job.state, job.error_code) == (JobState.FAILED, "disk-full")
        assert (thumbnails(library), leftovers(root)) == ([], [])
        with library.database.writing() as session:
            jobs.retry(session, job_id)
        assert worker_of(library).run_one() is not None
        assert the_job(library, job_id).state is JobState.DONE
        assert len(thumbnails(library)) == 1
    library.close()


def test_a_snapshot_that_does_not_fit_is_left_out_and_the_next_start_reads_the_catalog(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "home"
    with small_disk(home / "index", 1):
        with open_service(home) as service, caplog.at_level(logging.WARNING):
            service.add_video(["a cat", "a dog"])
            search(service, q="a cat")
            with filled(home / "index"):
                service.services.rest_model()
                assert [path.name for path in (home / "index").iterdir()] == ["filler"]
            assert "the index snapshot was not saved" in caplog.text
            (home / "index" / "x").touch()
        with open_service(home) as service:
            assert len(search(service, q="a cat")["data"]) == 2


def test_a_backup_that_does_not_fit_says_so_and_leaves_no_file(tmp_path: Path) -> None:
    home, disk = tmp_path / "home", tmp_path / "backups"
    with small_disk(disk, 1), open_service(home) as service:
        assert service.client.post("/videos", files={"file": ("film.mp4", BIG)}).status_code == 202
        with pytest.raises(BackupFailed, match="No space left"):
            back_up(service.library, disk / "backup.tar", "1")
        assert list(disk.iterdir()) == []
        report = back_up(service.library, tmp_path / "backup.tar", "1")
        assert report.media_files == 1
