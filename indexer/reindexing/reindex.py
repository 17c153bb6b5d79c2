"""Building a generation from the files that the library has, beside the one that serves.

Any number of processes may build one generation: a video is read by whoever claims its job first. What is
read stays read; who begins again goes on with what is missing.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer.batch.display import BatchDisplay, IndexingBar
from indexer.catalog import generation_states
from indexer.catalog.generation_states import Scope, has_read
from indexer.catalog.job_states import OPEN_STATES
from indexer.catalog.session import Database
from indexer.catalog.states import JobState
from indexer.catalog.tables import Generation, Job, Video
from indexer.generation_models import GenerationModel
from indexer.job_lease import Progress
from indexer.library import Library
from indexer.worker import Worker

if TYPE_CHECKING:
    from model.factory import Encoders

ENQUEUED_AT_ONCE = 500
"""Videos in one transaction: no upload waits for long."""

WAIT_S = 0.5
"""Between two looks at what others do, or whether a pause is over."""


@dataclass(frozen=True)
class Unread:
    """A video that a generation could not read."""

    filename: str
    code: str
    reason: str


@dataclass
class BuildResult:
    """What became of a build."""

    read: int = 0
    """Videos that this process has read."""
    duration_s: float = 0.0
    """Seconds of video in them."""
    elapsed_s: float = 0.0
    unread: list[Unread] = field(default_factory=list)
    """Videos that failed, here or in another process."""


def start_building(library: Library, encoders: "Encoders", scope: Scope) -> GenerationModel:
    """Return the generation of ``encoders``, with a job for each video of ``scope`` that it has not read.

    Raises ValueError for videos or collections that the library does not have.
    """
    with library.database.writing() as session:
        _check(session, scope)
        generation = generation_states.start_building(session, encoders.settings)
    enqueue_missing(library.database, generation.id, scope)
    return GenerationModel(generation.id, encoders)


def enqueue_missing(database: Database, generation_id: int, scope: Scope) -> int:
    """Queue a job for each video of ``scope`` that a generation has not read; return how many there are."""
    count, last_id = 0, ""
    while True:
        with database.writing() as session:
            ids = generation_states.enqueue_missing(session, generation_id, scope, last_id, ENQUEUED_AT_ONCE)
        if not ids:
            return count
        count, last_id = count + len(ids), ids[-1]


def build(worker: Worker, display: BatchDisplay) -> BuildResult:
    """Let ``worker`` do the jobs of its generation until none is left, waiting for those that others have.

    Raises KeyboardInterrupt, the job at hand being back in the queue, and OperationalError when the database
    fails; begun again, it goes on where it stopped.
    """
    result = BuildResult()
    started = time.monotonic()
    database, generation_id = worker.library.database, worker.generation_id
    left = left_to_read(database, generation_id)
    with display.indexing(left.files, left.size_bytes) as bar:
        while left.files:
            bar.working_on("paused" if left.is_paused else f"for generation {generation_id}", 0.0, 0.0)
            if not _read_one(worker, bar, result):
                time.sleep(WAIT_S)
            left = left_to_read(database, generation_id)
            bar.left(left.files, left.size_bytes)
    result.elapsed_s = time.monotonic() - started
    with database.reading() as session:
        result.unread = list(_unread(session, generation_id))
    return result


@dataclass(frozen=True)
class Left:
    """What there is still to read."""

    files: int
    size_bytes: int
    is_paused: bool


def left_to_read(database: Database, generation_id: int) -> Left:
    """Return how much a generation has still to read, in queued and in running jobs."""
    with database.reading() as session:
        files, size_bytes = session.execute(
            select(func.count(), func.coalesce(func.sum(Video.size_bytes), 0))
            .select_from(Job)
            .join(Video, Video.id == Job.video_id)
            .where(Job.generation_id == generation_id, Job.state.in_(OPEN_STATES))
        ).one()
        is_paused = session.scalar(select(Generation.is_paused).where(Generation.id == generation_id))
    return Left(files, int(size_bytes), bool(is_paused))


def _read_one(worker: Worker, bar: IndexingBar, result: BuildResult) -> bool:
    """Return whether there was a job to do; what became of it is added to ``result``."""

    def show(progress: Progress) -> None:
        bar.working_on(f"for generation {worker.generation_id}", 0.0, progress.decoded_s)

    report = worker.run_one(on_progress=show)
    if report is None:
        return False
    result.read += report.error is None
    result.duration_s += report.duration_s
    bar.finished(0, report.duration_s)
    return True


def _unread(session: Session, generation_id: int) -> Iterable[Unread]:
    rows = session.execute(
        select(Video.filename, Job.error_code, Job.error_message)
        .join(Video, Video.id == Job.video_id)
        .where(
            Job.generation_id == generation_id,
            Job.state.in_((JobState.FAILED, JobState.CANCELLED)),
            ~has_read(generation_id),
        )
        .order_by(Video.filename, Job.created_at)
    )
    latest = {name: Unread(name, code or "failed", message or "no reason") for name, code, message in rows}
    return latest.values()


def _check(session: Session, scope: Scope) -> None:
    known = set(session.scalars(select(Video.id).where(Video.id.in_(scope.video_ids))))
    for video_id in scope.video_ids:
        if video_id not in known:
            raise ValueError(f"there is no video {video_id!r}: name one by the id that the page shows")
    is_named = Video.collection.in_(scope.collections)
    collections = set(session.scalars(select(Video.collection).where(is_named)))
    for name in scope.collections:
        if name not in collections:
            raise ValueError(f"no video is in a collection {name!r}: name one that has any")
