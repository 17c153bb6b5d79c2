"""A decoder that dies costs one attempt of one job: the worker lives on, and does what else waits first."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Timer

import pytest

import indexer.ingest
from indexer.catalog.states import JobState, VideoState
from indexer.decoding.plans import DecodePlan
from indexer.decoding.sandbox import Decoding, decode_clips
from indexer.decoding.spawner_pool import SpawnerPool
from indexer.errors import DecoderDied, DecoderStalled, IndexingError
from indexer.ingest import IngestReport
from indexer.library import Library
from tests.decoders import CONFINED, children_that
from tests.indexing import enqueue, the_job, the_video, thumbnails, worker_of
from tests.synthetic_video import write_not_a_video, write_plain

Decode = Callable[[Path, DecodePlan], Decoding]


def code_of(report: IngestReport | None) -> str | None:
    return report.error.code if report is not None and report.error is not None else None


@contextmanager
def crashing() -> Iterator[Decode]:
    with children_that("os.abort()") as aborting:
        yield lambda path, plan: decode_clips(path, plan, spawners=aborting)


@contextmanager
def killed() -> Iterator[Decode]:
    with children_that("time.sleep(600)") as sleeping:

        def decode(path: Path, plan: DecodePlan) -> Decoding:
            messages = decode_clips(path, plan, spawners=sleeping)
            Timer(0.1, os.kill, (messages.child_pid, signal.SIGKILL)).start()
            return messages

        yield decode


@contextmanager
def out_of_memory() -> Iterator[Decode]:
    with children_that("kept = bytearray(8 * 1024**3)", CONFINED) as hungry:
        yield lambda path, plan: decode_clips(path, plan, spawners=hungry)


@contextmanager
def unstartable() -> Iterator[Decode]:
    pool = SpawnerPool(["false"])
    yield lambda path, plan: decode_clips(path, plan, spawners=pool)


@pytest.mark.parametrize(
    ("death", "left"),
    [
        (crashing, JobState.QUEUED),
        (killed, JobState.QUEUED),
        (unstartable, JobState.QUEUED),
        (out_of_memory, JobState.FAILED),  # it met our own limit, as it will each time, and could say so
    ],
)
def test_it_costs_one_attempt_of_one_job(
    library: Library,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    death: Callable[[], AbstractContextManager[Decode]],
    left: JobState,
) -> None:
    names = ("first.mp4", "deadly.mp4", "last.mp4")
    job_ids = [enqueue(library, write_plain(tmp_path / name, 1.0 + len(name) / 10)) for name in names]
    worker = worker_of(library)
    with death() as decode_deadly:

        def decode(path: Path, plan: DecodePlan) -> Decoding:
            return (decode_deadly if path.name == "deadly.mp4" else decode_clips)(path, plan)

        monkeypatch.setattr(indexer.ingest, "decode_clips", decode)
        reports = [worker.run_one() for _ in names]
    assert [code_of(report) for report in reports] == [None, "decoder-crashed", None]
    first, deadly, last = (the_job(library, job_id) for job_id in job_ids)
    assert first.state is last.state is JobState.DONE
    assert (deadly.state, deadly.attempts, deadly.owner) == (left, 1, None)
    assert len(thumbnails(library)) == 2


def test_the_next_attempt_indexes_a_video_that_was_no_reason_for_the_death(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = enqueue(library, write_plain(tmp_path / "good.mp4", duration_s=1))
    worker = worker_of(library)
    with crashing() as decode, monkeypatch.context() as patched:
        patched.setattr(indexer.ingest, "decode_clips", decode)
        worker.run_one()
    worker.run_one()
    job = the_job(library, job_id)
    assert (job.state, job.attempts, job.error_code) == (JobState.DONE, 2, None)


@pytest.mark.parametrize(
    ("reason", "code"), [(DecoderDied, "decoder-crashed"), (DecoderStalled, "decoder-stalled")]
)
def test_the_third_death_is_the_last_and_leaves_nothing(
    library: Library,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reason: type[IndexingError],
    code: str,
) -> None:
    def die(*_: object) -> None:
        raise reason("bad.mp4 is too much")

    monkeypatch.setattr("indexer.thumbnails.ThumbnailStore.write", die)
    job_id = enqueue(library, write_plain(tmp_path / "bad.mp4", duration_s=1))
    worker = worker_of(library)
    states = []
    for _ in range(3):
        worker.run_one()
        states.append(the_job(library, job_id).state)
    job, video = the_job(library, job_id), the_video(library)
    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED]
    assert (job.attempts, job.error_code, job.error_message) == (3, code, "bad.mp4 is too much")
    assert (video.state, video.error_code) == (VideoState.FAILED, code)
    assert worker.run_one() is None
    assert thumbnails(library) == []


def test_what_a_decoder_says_of_a_file_is_believed_at_once(library: Library, tmp_path: Path) -> None:
    job_id = enqueue(library, write_not_a_video(tmp_path / "a.mp4"))
    worker_of(library).run_one()
    job = the_job(library, job_id)
    assert (job.state, job.attempts) == (JobState.FAILED, 1)
