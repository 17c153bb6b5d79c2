"""``python -m indexer.worker``: claim a job, ingest its video, and again, until told to stop.

SIGTERM and SIGINT raise KeyboardInterrupt in the work itself: the current job goes back to the queue at once
and the process exits with 0. Exit code 1: the database did not answer at the start; 2: the settings cannot
be used.
"""

import logging
import time
from collections.abc import Sequence
from time import monotonic
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from indexer import generation_models
from indexer.catalog import generations, job_claims, videos
from indexer.catalog.job_claims import Claimant
from indexer.catalog.tables import Job, Video
from indexer.config import Settings, describe_invalid
from indexer.errors import ModelUnavailable, SchemaMismatch
from indexer.generation_models import GenerationModel
from indexer.ingest import IngestReport, StageTimings, ingest_video
from indexer.job_endings import end_if_read, give_back, remove_thumbnails
from indexer.job_lease import JobLease, LeaseLost, OnProgress, ignore_progress
from indexer.library import Library, open_library
from indexer.log_output import log_to_standard_error
from indexer.process_end import exit_at_once, stop_on_sigterm

IDLE_S = 0.5
"""Between two looks at an empty queue."""

MODEL_PAUSE_S = 60.0
"""Before the next try when the model that serves cannot be loaded."""

DATABASE_PAUSE_S = 5.0
"""Before the next try when the database does not answer."""

log = logging.getLogger(__name__)


class Worker:
    """Does jobs one at a time, for one generation."""

    def __init__(self, library: Library, model: GenerationModel, *, follows: bool = False) -> None:
        """Work with ``model``; with ``follows``, with the one that serves, whenever another is promoted."""
        self.library, self.encoders, self.generation_id = library, model.encoders, model.generation_id
        self.claimant = Claimant(generation_id=model.generation_id)
        self._follows, self._next_look = follows, 0.0

    def run_one(
        self, job_ids: Sequence[str] | None = None, on_progress: OnProgress = ignore_progress
    ) -> IngestReport | None:
        """Return what became of the next job (of ``job_ids``, when given); None when there was none to do.

        Whatever is wrong with the video is in the report. Raises OperationalError when the database fails.
        Anything that is no Exception (KeyboardInterrupt) is raised on after giving the job back.
        """
        if self._follows:
            self._follow()
        claimed = self._claim(job_ids)
        if claimed is None:
            return None
        job, video = claimed
        try:
            return self._do(job, video, on_progress)
        except LeaseLost as lost:
            log.warning("job lost", extra={"job_id": job.id, "reason": str(lost)})
            return None
        except Exception:
            raise
        except BaseException:
            give_back(self.library, job, video)
            raise

    def _do(self, job: Job, video: Video, on_progress: OnProgress) -> IngestReport:
        if end_if_read(self.library, job):
            return IngestReport(video.id, clips=0, duration_s=0.0, timings=StageTimings())
        with JobLease(self.library.database, job, on_progress) as lease:
            return ingest_video(self.library, self.encoders, self.generation_id, video, lease)

    def _follow(self) -> None:
        """Take over the model of the generation that serves, if it is another one now."""
        if monotonic() < self._next_look:
            return
        with self.library.database.reading() as session:
            serving = generations.serving(session)
        if serving is None or serving.id == self.generation_id:
            return
        try:
            self.encoders = generation_models.load(serving, self.library.settings.device)
        except ModelUnavailable:
            self._next_look = monotonic() + MODEL_PAUSE_S
            log.warning("another model serves now, and its jobs wait for a worker", exc_info=True)
            return
        self.generation_id = self.claimant.generation_id = serving.id
        log.info("worker changed its model", extra={"generation": serving.id, "preset": serving.preset})

    def _claim(self, job_ids: Sequence[str] | None) -> tuple[Job, Video] | None:
        with self.library.database.writing() as session:
            for deadly in job_claims.give_up(session, self.claimant):
                self._sweep(session, deadly)
            job = job_claims.claim(session, self.claimant, job_ids)
            video = videos.get(session, job.video_id) if job is not None else None
        return (job, video) if job is not None and video is not None else None

    def _sweep(self, session: Session, given_up: Job) -> None:
        """Remove what the dead workers made of a video that is not tried again."""
        log.warning("a job is given up", extra={"action": "job_given_up", "job_id": given_up.id})
        video = videos.get(session, given_up.video_id)
        if video is not None:
            remove_thumbnails(session, self.library, video)


def run_worker(worker: Worker, idle_s: float = IDLE_S) -> None:
    """Do jobs as they come until KeyboardInterrupt, which gives the current one back."""
    log.info("worker started", extra={"owner": worker.claimant.owner, "generation": worker.generation_id})
    while True:
        try:
            report = worker.run_one()
        except OperationalError:
            log.warning("the database does not answer; trying again", exc_info=True)
            time.sleep(DATABASE_PAUSE_S)
            continue
        if report is None:
            time.sleep(idle_s)


Number = Annotated[
    int | None,
    typer.Option("--generation", metavar="N", help="Work for a generation that is being built."),
]


def main(generation: Number = None) -> None:
    """Index queued videos until SIGTERM or Ctrl-C."""
    log_to_standard_error()
    stop_on_sigterm()
    try:
        run_worker(_open_configured(generation))
    except KeyboardInterrupt:
        log.info("worker stopped")
        exit_at_once(0)


def _open_configured(generation_id: int | None) -> Worker:
    try:
        settings = Settings()
        library = open_library(settings)
        if generation_id is None:
            return Worker(library, generation_models.open_serving(library.database, settings), follows=True)
        model = generation_models.open_generation(library.database, generation_id, settings.device)
        return Worker(library, model)
    except ValidationError as error:
        typer.echo(describe_invalid(error), err=True)
        raise SystemExit(2) from error
    except OperationalError as error:
        typer.echo(f"The database failed: {error.orig}", err=True)
        raise SystemExit(1) from error
    except (ValueError, SchemaMismatch) as error:
        typer.echo(str(error), err=True)
        raise SystemExit(2) from error


if __name__ == "__main__":
    typer.run(main)
