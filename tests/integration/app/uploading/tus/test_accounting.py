"""What is kept and what not, in both databases: full disks, expiry, dead processes, same bytes at once."""

import errno
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from app.uploading.tus import sweeping
from indexer.catalog.client_tables import IdempotencyKey, Upload
from indexer.catalog.columns import now
from indexer.catalog.tables import Job, Video
from model.durable_file import STALE_AFTER_S
from tests.service import Service, open_service
from tests.tus_client import begin, head, offset_of, patch, problem
from tests.upload_forms import CONTENT, upload

HALF = len(CONTENT) // 2


@pytest.fixture
def service(tmp_path: Path, database_url: str) -> Iterator[Service]:
    """Yield a service on SQLite, then one on Postgres."""
    with open_service(tmp_path / "home", database_url=database_url) as service:
        yield service


def test_what_is_told_to_have_arrived_outlives_a_power_cut(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = [], os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        sync(descriptor)

    url = begin(service, len(CONTENT))
    monkeypatch.setattr("indexer.upload_store.os.fsync", note)
    assert patch(service, url, 0, CONTENT[:HALF]).headers["upload-offset"] == str(HALF)
    assert synced == [HALF]


def test_a_disk_that_fills_up_in_a_piece_keeps_what_is_whole(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = begin(service, len(CONTENT))
    patch(service, url, 0, CONTENT[:100])
    room, write = [50], os.write

    def write_while_there_is_room(descriptor: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: room.pop()])

    with monkeypatch.context() as full:
        full.setattr("indexer.upload_store.os.write", write_while_there_is_room)
        assert problem(patch(service, url, 100, CONTENT[100:])) == (507, "storage-full")
    assert offset_of(service, url) == 150
    assert patch(service, url, 150, CONTENT[150:]).status_code == 204
    assert service.media_files()[0].read_bytes() == CONTENT


def test_a_disk_that_is_full_at_the_end_keeps_the_whole_upload(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    url = begin(service, len(CONTENT))
    with monkeypatch.context() as full:
        full.setattr("indexer.media_store.write_durably", refuse)
        assert problem(patch(service, url, 0, CONTENT)) == (507, "storage-full")
    asked = head(service, url)  # finishes it
    assert (asked.status_code, asked.headers["upload-offset"]) == (200, str(len(CONTENT)))
    assert "reelseek-job" in asked.headers


def test_an_upload_left_alone_expires_and_is_swept_with_its_file(tmp_path: Path, database_url: str) -> None:
    with open_service(tmp_path / "home", upload_expiry_h=0.0001, database_url=database_url) as service:
        old = begin(service, len(CONTENT))
        patch(service, old, 0, CONTENT[:HALF])
        finished = patch(service, begin(service, 3), 0, b"abc").headers["reelseek-video"]
        time.sleep(0.5)
        assert head(service, old).status_code == 410
        assert problem(patch(service, old, HALF, CONTENT[HALF:])) == (410, "upload-expired")
        assert sweeping.sweep(service.services.intake) == 1
        assert head(service, old).status_code == 404
        assert list(service.library.uploads.root.iterdir()) == []
        assert service.client.get(finished).status_code == 200
        with service.library.database.reading() as session:
            assert session.query(Upload).count() == 0


def test_the_sweep_spares_what_goes_on_and_takes_files_that_nobody_owns(service: Service) -> None:
    url = begin(service, len(CONTENT))
    patch(service, url, 0, CONTENT[:HALF])
    folder = service.library.uploads.root
    young, old, foreign = folder / ("a" * 32), folder / ("b" * 32), folder / "notes.txt"
    long_ago = time.time() - 2 * STALE_AFTER_S
    for path in (young, old, foreign):
        path.write_bytes(b"x")
    for path in (old, foreign, folder / url.rpartition("/")[2]):
        os.utime(path, (long_ago, long_ago))
    assert sweeping.sweep(service.services.intake) == 1
    assert (young.exists(), old.exists(), foreign.exists()) == (True, False, True)
    assert patch(service, url, HALF, CONTENT[HALF:]).status_code == 204


def test_a_whole_upload_whose_process_died_before_the_commit_is_finished_by_the_sweep(
    service: Service,
) -> None:
    url = begin(service, len(CONTENT))
    (service.library.uploads.root / url.rpartition("/")[2]).write_bytes(CONTENT)  # left by a kill
    assert sweeping.sweep(service.services.intake) == 0
    assert list(service.library.uploads.root.iterdir()) == []  # before HEAD, which would finish it too
    assert service.media_files()[0].read_bytes() == CONTENT
    assert "reelseek-job" in head(service, url).headers


def test_a_process_that_dies_between_file_and_row_leaves_an_upload_that_can_be_finished(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = begin(service, len(CONTENT))

    def die(*_: object, **__: object) -> None:
        raise RuntimeError("the process died")

    monkeypatch.setattr("app.request_envelope.log.exception", lambda *_, **__: None)
    with monkeypatch.context() as dying:
        dying.setattr("app.uploading.acceptance.jobs.enqueue", die)
        assert patch(service, url, 0, CONTENT).status_code == 500
    assert service.media_files() == []
    assert "reelseek-job" in head(service, url).headers
    assert len(service.media_files()) == 1


def test_old_keys_are_forgotten(service: Service) -> None:
    service.client.post("/videos", files={"file": ("a.mp4", b"a")}, headers={"Idempotency-Key": "one"})
    with service.library.database.writing() as session:
        session.query(IdempotencyKey).update({"created_at": now() - timedelta(hours=25)})
    sweeping.sweep(service.services.intake)
    with service.library.database.reading() as session:
        assert session.query(IdempotencyKey).count() == 0


def test_the_same_bytes_twenty_times_at_once_by_all_ways_are_one_video(
    tmp_path: Path, database_url: str
) -> None:
    footage = tmp_path / "footage"
    footage.mkdir()
    (footage / "film.mp4").write_bytes(CONTENT)
    with open_service(tmp_path / "home", import_roots=str(footage), database_url=database_url) as service:

        def send(number: int) -> str:
            if number % 3 == 0:
                return str(upload(service, name=f"{number}.mp4").json()["job_url"])
            if number % 3 == 1:
                url = begin(service, len(CONTENT))
                return patch(service, url, 0, CONTENT).headers["reelseek-job"]
            answer = service.client.post("/imports", json={"path": str(footage / "film.mp4")})
            return str(answer.json()["data"][0]["job_url"])

        with ThreadPoolExecutor(20) as pool:
            jobs = set(pool.map(send, range(20)))
        assert len(jobs) == 1
        with service.library.database.reading() as session:
            assert session.query(Video).count() == session.query(Job).count() == 1
            video = session.query(Video).one()
        assert service.library.media.locate(video.media_path).read_bytes() == CONTENT
        assert len(service.media_files()) == (1 if video.is_managed else 0)
        assert list(service.library.uploads.root.iterdir()) == []
        assert (footage / "film.mp4").read_bytes() == CONTENT
