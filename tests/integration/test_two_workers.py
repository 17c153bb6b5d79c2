"""Two workers on one library: every video is indexed once, whoever is slow, stuck or taken for dead."""

import threading
from collections import Counter
from pathlib import Path

from sqlalchemy import func, select

from indexer.catalog.job_claims import Claimant
from indexer.catalog.lease_watch import LeaseWatch
from indexer.catalog.states import EmbeddingKind, JobState
from indexer.catalog.tables import Clip, Embedding
from indexer.ingest import IngestReport
from indexer.library import Library, open_library
from indexer.worker import Worker
from tests.indexing import encoders_that, enqueue, the_job, worker_of
from tests.synthetic_video import write_plain

PATIENCE_S = 60.0


def index_all(worker: Worker) -> list[IngestReport]:
    reports = []
    while (report := worker.run_one()) is not None:
        reports.append(report)
    return reports


def assert_indexed_once(library: Library, job_ids: list[str]) -> None:
    """Check that each job is done and each clip and its vector is there once."""
    assert {the_job(library, job_id).state for job_id in job_ids} == {JobState.DONE}
    with library.database.reading() as session:
        stored = list(session.execute(select(Clip.video_id, Clip.ordinal)))
        vectors = session.scalar(
            select(func.count()).select_from(Embedding).where(Embedding.kind == EmbeddingKind.CLIP)
        )
    assert len({video_id for video_id, _ in stored}) == len(job_ids)
    assert max(Counter(map(tuple, stored)).values()) == 1
    assert vectors == len(stored)


def test_two_workers_that_race_share_the_queue_and_index_every_video_once(
    library: Library, tmp_path: Path
) -> None:
    job_ids = [enqueue(library, write_plain(tmp_path / f"{n}.mp4", 1 + n / 10)) for n in range(6)]
    other = open_library(library.settings)
    done: list[IngestReport] = []
    threads = [
        threading.Thread(target=lambda worker: done.extend(index_all(worker)), args=(worker_of(one),))
        for one in (library, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    other.close()
    assert len(done) == len({report.video_id for report in done}) == 6
    assert_indexed_once(library, job_ids)
    assert {the_job(library, job_id).attempts for job_id in job_ids} == {1}


def test_of_two_workers_at_one_job_only_the_one_that_holds_it_writes(
    library: Library, tmp_path: Path
) -> None:
    """The first one is taken for dead while it encodes, by one that has no patience."""
    job_id = enqueue(library, write_plain(tmp_path / "a.mp4"))
    is_encoding, may_go_on = threading.Event(), threading.Event()

    def wait() -> None:
        is_encoding.set()
        assert may_go_on.wait(PATIENCE_S)

    slow: list[IngestReport | None] = []
    first = worker_of(library, encoders_that(wait))
    thread = threading.Thread(target=lambda: slow.append(first.run_one()))
    thread.start()
    assert is_encoding.wait(PATIENCE_S)

    second = worker_of(library)
    second.claimant = Claimant(generation_id=second.generation_id, leases=LeaseWatch(patience_s=0.0))
    report = second.run_one()
    may_go_on.set()
    thread.join(PATIENCE_S)

    assert report is not None
    assert report.error is None
    assert slow == [None]
    assert the_job(library, job_id).attempts == 2
    assert_indexed_once(library, [job_id])
