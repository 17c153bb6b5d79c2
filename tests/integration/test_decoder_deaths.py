"""A decoder that dies costs one attempt of one job: the worker lives on, and what else is queued is done."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Timer

import pytest

import indexer.ingest
from indexer.catalog.states import JobState
from indexer.decoding.plans import DecodePlan
from indexer.decoding.sandbox import Decoding, decode_clips
from indexer.library import Library
from tests.decoders import CONFINED, spawners_of
from tests.indexing import enqueue, the_job, thumbnails, worker_of
from tests.synthetic_video import write_plain

Decode = Callable[[Path, DecodePlan], Decoding]


@contextmanager
def crashing() -> Iterator[Decode]:
    with spawners_of("os.abort()") as aborting:
        yield lambda path, plan: decode_clips(path, plan, spawners=aborting)


@contextmanager
def killed() -> Iterator[Decode]:
    with spawners_of("time.sleep(600)") as sleeping:

        def decode(path: Path, plan: DecodePlan) -> Decoding:
            messages = decode_clips(path, plan, spawners=sleeping)
            Timer(0.1, os.kill, (messages.child_pid, signal.SIGKILL)).start()
            return messages

        yield decode


@contextmanager
def out_of_memory() -> Iterator[Decode]:
    with spawners_of("kept = bytearray(8 * 1024**3)", CONFINED) as hungry:
        yield lambda path, plan: decode_clips(path, plan, spawners=hungry)


@contextmanager
def unstartable() -> Iterator[Decode]:
    with spawners_of("raise SystemExit('never got here')") as pool:
        pool._command = ["false"]
        yield lambda path, plan: decode_clips(path, plan, spawners=pool)


@pytest.mark.parametrize("death", [crashing, killed, out_of_memory, unstartable])
def test_it_costs_one_attempt_of_one_job(
    library: Library,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    death: Callable[[], AbstractContextManager[Decode]],
) -> None:
    names = ("first.mp4", "deadly.mp4", "last.mp4")
    job_ids = [enqueue(library, write_plain(tmp_path / name, 1.0 + len(name) / 10)) for name in names]
    worker = worker_of(library)
    with death() as decode_deadly:

        def decode(path: Path, plan: DecodePlan) -> Decoding:
            return (decode_deadly if path.name == "deadly.mp4" else decode_clips)(path, plan)

        monkeypatch.setattr(indexer.ingest, "decode_clips", decode)
        reports = [worker.run_one() for _ in names]
    assert [report.error.code if report and report.error else None for report in reports] == [
        None,
        "decoder-crashed",
        None,
    ]
    first, deadly, last = (the_job(library, job_id) for job_id in job_ids)
    assert first.state is last.state is JobState.DONE
    assert (deadly.attempts, deadly.error_code) == (1, "decoder-crashed")
    assert deadly.state in (JobState.FAILED, JobState.QUEUED)
    assert len(thumbnails(library)) == 2
