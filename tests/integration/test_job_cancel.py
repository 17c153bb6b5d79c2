"""Cancelling what a worker is at: the decoder stops, and nothing of it is left."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.catalog import jobs, videos
from indexer.catalog.states import JobState, VideoState
from indexer.decoding.plans import DecodePlan
from indexer.decoding.sandbox import Decoding, decode_clips
from indexer.ingest import IngestReport
from indexer.library import Library
from indexer.worker import Worker
from tests.indexing import count_clips, encoders_that, enqueue, the_job, the_video, thumbnails, worker_of
from tests.long_video import write_long
from tests.synthetic_video import write_plain

WITHIN_S = 2.0
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a video that takes a minute to decode."""
    return write_long(tmp_path_factory.mktemp("long") / "film.mp4", hours=1)


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[Decoding]:
    """Return the decodes that are begun from now on."""
    begun: list[Decoding] = []

    def remember(path: Path, plan: DecodePlan) -> Decoding:
        begun.append(decode_clips(path, plan))
        return begun[-1]

    monkeypatch.setattr("indexer.ingest.decode_clips", remember)
    return begun


class Working:
    """A worker at work on one job, in a thread."""

    def __init__(self, worker: Worker) -> None:
        self.reports: list[IngestReport | None] = []
        self._thread = threading.Thread(target=lambda: self.reports.append(worker.run_one()))
        self._thread.start()

    def wait(self) -> None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@pytest.fixture
def working(library: Library, long_video: Path) -> Iterator[tuple[Working, str]]:
    """Yield a worker that is in the middle of the long video, and its job's id."""
    job_id = enqueue(library, long_video)
    working = Working(worker_of(library))
    wait_until_under_way(library, job_id)
    yield working, job_id
    with library.database.writing() as session:
        jobs.cancel(session, job_id)
    working.wait()


def wait_until_under_way(library: Library, job_id: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while the_job(library, job_id).fraction == 0 or not thumbnails(library):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def is_there(process_id: int) -> bool:
    """Return whether a process runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def seconds_until_gone(process_id: int) -> float:
    started = time.monotonic()
    while is_there(process_id):
        assert time.monotonic() - started < PATIENCE_S
        time.sleep(0.01)
    return time.monotonic() - started


def test_a_cancelled_job_stops_its_decoder_within_two_seconds_and_leaves_nothing(
    decodings: list[Decoding], library: Library, working: tuple[Working, str], tmp_path: Path
) -> None:
    work, job_id = working
    child = decodings[0].child_pid
    assert is_there(child)
    with library.database.writing() as session:
        assert jobs.cancel(session, job_id)
    assert seconds_until_gone(child) < WITHIN_S
    work.wait()

    assert work.reports == [None]
    job, video = the_job(library, job_id), the_video(library)
    assert (job.state, job.error_code, job.owner) == (JobState.CANCELLED, "cancelled", None)
    assert (video.state, video.error_code) == (VideoState.FAILED, "cancelled")
    assert (count_clips(library), thumbnails(library)) == (0, [])

    another = enqueue(library, write_plain(tmp_path / "next.mp4", duration_s=1))
    assert worker_of(library).run_one() is not None
    assert the_job(library, another).state is JobState.DONE


def test_deleting_a_video_stops_its_decoder_too(
    decodings: list[Decoding], library: Library, working: tuple[Working, str]
) -> None:
    work, _ = working
    child = decodings[0].child_pid
    with library.database.writing() as session:
        assert videos.delete(session, the_video(library).id)
    assert seconds_until_gone(child) < WITHIN_S
    work.wait()
    assert (work.reports, thumbnails(library)) == ([None], [])


def test_a_cancelled_job_stops_its_decoder_while_the_worker_waits_for_its_encoder(
    decodings: list[Decoding], library: Library, long_video: Path
) -> None:
    is_encoding, may_go_on = threading.Event(), threading.Event()

    def wait() -> None:
        is_encoding.set()
        assert may_go_on.wait(PATIENCE_S)

    job_id = enqueue(library, long_video)
    work = Working(worker_of(library, encoders_that(wait)))
    try:
        assert is_encoding.wait(PATIENCE_S)
        time.sleep(1.0)  # until so much is decoded that the worker waits
        with library.database.writing() as session:
            assert jobs.cancel(session, job_id)
        assert seconds_until_gone(decodings[0].child_pid) < WITHIN_S
    finally:
        may_go_on.set()
        work.wait()
    assert (work.reports, thumbnails(library)) == ([None], [])
