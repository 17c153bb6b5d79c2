"""Index the files of a folder: take them in, then do their jobs here, beside whatever other workers do.

Any number of batches and workers may run on one library: a job is done by whoever claims it first, and a
file that somebody else is indexing is waited for.
"""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from indexer.batch.display import BatchDisplay, IndexingBar
from indexer.catalog.states import JobState
from indexer.catalog.tables import Job, Video
from indexer.folders.intake import BatchCode, IndexedFile, QueuedFile, Refusal, is_indexed, take_in
from indexer.folders.walk import FoundFile, Unreadable, total_bytes
from indexer.job_lease import Progress
from indexer.subtitle_sidecars import SidecarFinder
from indexer.worker import Worker

WAIT_S = 0.5
"""Between two looks at the jobs that other workers have."""


@dataclass
class BatchResult:
    """What became of a folder's files."""

    indexed: int = 0
    already_indexed: int = 0
    new_subtitles: int = 0
    """Of those already indexed, how many had new subtitles beside them."""
    refusals: list[Refusal] = field(default_factory=list)
    duration_s: float = 0.0
    """Seconds of video indexed by this process."""
    elapsed_s: float = 0.0

    @property
    def files(self) -> int:
        """Return how many files were looked at."""
        return self.indexed + self.already_indexed + len(self.refusals)


def run_batch(worker: Worker, files: Sequence[FoundFile | Unreadable], display: BatchDisplay) -> BatchResult:
    """Let ``worker`` index each of ``files`` that is not indexed yet, and return what became of all.

    Raises KeyboardInterrupt, the job at hand being back in the queue, and OperationalError when the database
    fails; run again, it goes on where it stopped.
    """
    result = BatchResult()
    started = time.monotonic()
    queue = _take_in_all(worker, files, display, result)
    with display.indexing(len(queue), sum(file.size_bytes for file in queue)) as bar:
        _index_all(worker, queue, bar, result)
    result.elapsed_s = time.monotonic() - started
    return result


def _take_in_all(
    worker: Worker, files: Sequence[FoundFile | Unreadable], display: BatchDisplay, result: BatchResult
) -> list[QueuedFile]:
    queue: dict[str, QueuedFile] = {}
    sidecars = SidecarFinder()
    with display.reading(total_bytes(files)) as on_bytes:
        for file in files:
            taken = take_in(worker.library, worker.generation_id, file, on_bytes, sidecars)
            if isinstance(taken, Refusal):
                result.refusals.append(taken)
            elif isinstance(taken, IndexedFile):
                result.already_indexed += 1
                result.new_subtitles += taken.has_new_subtitles
            elif taken.job_id in queue:  # a second copy of the same bytes
                result.already_indexed += 1
            else:
                queue[taken.job_id] = taken
    return list(queue.values())


def _index_all(worker: Worker, queue: Iterable[QueuedFile], bar: IndexingBar, result: BatchResult) -> None:
    """Do the jobs of ``queue`` in order, looking again and again at those that others have."""
    waiting = deque(queue)
    others = 0  # jobs in a row that were not ours to do
    while waiting:
        file = waiting.popleft()
        if _index_one(worker, file, bar, result):
            others = 0
            continue
        waiting.append(file)
        others += 1
        if others >= len(waiting):
            time.sleep(WAIT_S)
            others = 0


def _index_one(worker: Worker, file: QueuedFile, bar: IndexingBar, result: BatchResult) -> bool:
    """Return whether the job of ``file`` has ended, done here or by another worker."""

    def show(progress: Progress) -> None:
        bar.working_on(file.path.name, file.size_bytes * progress.fraction, progress.decoded_s)

    report = worker.run_one([file.job_id], on_progress=show)
    with worker.library.database.reading() as session:
        job = session.get(Job, file.job_id)
        if job is not None and job.state in (JobState.QUEUED, JobState.RUNNING):
            return False
        refusal = _refusal(session, worker.generation_id, file.path, job)
    if refusal is not None:
        result.refusals.append(refusal)
    else:
        result.indexed += 1
    duration_s = report.duration_s if report is not None else 0.0
    result.duration_s += duration_s
    bar.finished(file.size_bytes, duration_s)
    return True


def _refusal(session: Session, generation_id: int, path: Path, job: Job | None) -> Refusal | None:
    """Return why the file of an ended ``job`` cannot be found with this batch's settings, or None."""
    video = session.get(Video, job.video_id) if job is not None else None
    if job is None or video is None:
        return Refusal(path, BatchCode.DELETED, "it was deleted from the library meanwhile")
    if job.state is JobState.FAILED:
        return Refusal(path, job.error_code or "failed", job.error_message or "no reason")
    if not is_indexed(session, video, generation_id):
        return Refusal(
            path,
            BatchCode.OTHER_SETTINGS,
            "another model was promoted while it was indexed, and cannot find it: run the same command again",
        )
    return None
