"""Deletions beside uploads, workers and each other, in both databases, for real."""

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from indexer import video_deletion
from indexer.catalog.states import JobState
from indexer.catalog.tables import Job, Video
from tests.deleting import CONTENT, files_below, is_deleted, upload
from tests.indexing import encoders_that, enqueue, the_job, the_video, worker_of
from tests.service import Service, open_service
from tests.synthetic_video import write_plain

ROUNDS = 12


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[Service]:
    """Yield a service on SQLite, then one on Postgres."""
    with open_service(tmp_path / "home", database_url=database_url) as service:
        yield service


def test_uploads_and_deletions_of_the_same_bytes_at_once_leave_a_whole_video_or_nothing(
    either: Service,
) -> None:
    client, home = either.client, either.library.settings.home_folder
    with ThreadPoolExecutor(3) as threads:
        for _ in range(ROUNDS):
            video_id = upload(either)
            start = threading.Barrier(3, timeout=20)

            def delete(video_id: str = video_id, start: threading.Barrier = start) -> int:
                start.wait()
                return client.delete(f"/videos/{video_id}").status_code

            def send(start: threading.Barrier = start) -> dict[str, object]:
                start.wait()
                answer: dict[str, object] = client.post(
                    "/videos", files={"file": ("film.mp4", io.BytesIO(CONTENT))}
                ).json()
                return answer

            deleting, *sending = threads.submit(delete), threads.submit(send), threads.submit(send)
            assert deleting.result() == 200
            answers = [one.result() for one in sending]
            left = client.get("/videos").json()["data"]
            media = [name for name in files_below(home) if name.startswith("media/")]
            assert len(left) <= 1
            assert video_id not in [video["id"] for video in left]
            assert len(media) == len(left)  # no file without a video, no video without its file
            assert {answer["video_id"] for answer in answers} <= {video_id, *(video["id"] for video in left)}
            for video in left:
                assert client.get(f"/videos/{video['id']}/stream").content == CONTENT
                client.delete(f"/videos/{video['id']}")
            assert [name for name in files_below(home) if not name.startswith("index/")] == []


def test_a_worker_at_a_deleted_video_stops_and_leaves_nothing_behind(either: Service, tmp_path: Path) -> None:
    library, receipts = either.library, []

    def delete() -> None:  # the first thumbnails are written, the first batch is at the encoder
        receipts.append(video_deletion.delete_video(library, the_video(library).id))
        assert list(library.thumbnails.root.rglob("*.jpg")) == []

    job_id = enqueue(library, write_plain(tmp_path / "a.mp4"))
    assert worker_of(library, encoders_that(delete)).run_one() is None
    (receipt,) = receipts
    assert receipt is not None
    assert receipt["files"] == {"media": 0, "thumbnails": 1, "previews": 0, "uploads": 0, "snapshots": 0}
    assert is_deleted(either, str(receipt["video_id"]))
    with library.database.reading() as session:
        assert session.get(Job, job_id) is None
    assert list(library.thumbnails.root.rglob("*.jpg")) == []


def test_a_deletion_just_before_the_worker_stores_leaves_nothing(either: Service, tmp_path: Path) -> None:
    library = either.library
    job_id = enqueue(library, write_plain(tmp_path / "a.mp4"))

    def delete_at_the_end(progress: object) -> None:
        if getattr(progress, "stage", "") == "storing":
            video_deletion.delete_video(library, the_job(library, job_id).video_id)

    assert worker_of(library).run_one(on_progress=delete_at_the_end) is None
    with library.database.reading() as session:
        assert (session.query(Video).count(), session.query(Job).count()) == (0, 0)
    assert list(library.thumbnails.root.rglob("*.jpg")) == []


def test_a_file_in_place_that_was_deleted_is_indexed_again_as_a_new_video(
    either: Service, tmp_path: Path
) -> None:
    library, path = either.library, write_plain(tmp_path / "a.mp4")
    first = the_job(library, enqueue(library, path)).video_id
    assert video_deletion.delete_video(library, first) is not None
    job_id = enqueue(library, path)
    assert worker_of(library).run_one() is not None
    job = the_job(library, job_id)
    assert (job.state, job.video_id != first) == (JobState.DONE, True)
