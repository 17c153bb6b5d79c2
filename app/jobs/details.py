"""A job as the HTTP interface and the command line show it: with what is left to wait, and what to do."""

from datetime import datetime, timedelta

from pydantic import BaseModel, Field

from app.schemas import Failure, PageInfo
from indexer.advice import advice_on
from indexer.catalog.lease_watch import LEASE_S
from indexer.catalog.states import JobState
from indexer.catalog.tables import Job

LEAST_FRACTION = 0.01
LEAST_ELAPSED_S = 3.0
"""Of an attempt, before its speed tells anything: opening a file and loading a model take their own time."""


class JobDetails(BaseModel):
    """A piece of indexing work."""

    id: str
    video_id: str
    generation: int | None = Field(
        description="The generation it is for; null is the one that serves when a worker takes it"
    )
    priority: int = Field(description="Higher is done first: an upload 10, a folder 0, a rebuild -10")
    state: JobState
    stage: str = Field(description="What is being done now")
    fraction: float = Field(description="0 to 1")
    eta_s: float | None = Field(
        description="Seconds that this attempt will still take at its speed; null until that can be told"
    )
    attempts: int = Field(
        description="How often a worker took it; the third death of a worker or decoder is the last"
    )
    version: int = Field(description="Grows with each change: the id of its event")
    error: Failure | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobList(BaseModel):
    """A page of jobs, newest first."""

    data: list[JobDetails]
    page_info: PageInfo


def describe_job(job: Job) -> JobDetails:
    """Return a job."""
    return JobDetails(
        id=job.id,
        video_id=job.video_id,
        generation=job.generation_id,
        priority=job.priority,
        state=job.state,
        stage=job.stage,
        fraction=job.fraction,
        eta_s=remaining_s(job),
        attempts=job.attempts,
        version=job.version,
        error=failure_of(job.error_code, job.error_message),
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def remaining_s(job: Job) -> float | None:
    """Return how many seconds a running job will still take at the speed of its present attempt, or None.

    Both ends of the time are told by the worker's clock, whatever that says: the begin of the attempt, and
    the moment of its last report, which is the end of the lease less its length.
    """
    if job.state is not JobState.RUNNING or job.claimed_at is None or job.lease_until is None:
        return None
    told_at = job.lease_until - timedelta(seconds=LEASE_S)
    elapsed_s = (told_at - job.claimed_at).total_seconds()
    if elapsed_s < LEAST_ELAPSED_S or job.fraction < LEAST_FRACTION:
        return None
    return round(elapsed_s * (1 - job.fraction) / job.fraction, 1)


def failure_of(code: str | None, message: str | None) -> Failure | None:
    """Return why something was not indexed, with the way out; None without a code."""
    return Failure(code=code, message=message or "", advice=advice_on(code)) if code else None
