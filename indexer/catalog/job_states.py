"""The one place where a job's state is written, and what goes with it in the same transaction.

::

    queued ─► running ─► done
      ▲  ▲       │ │
      │  └───────┘ └──► failed ──┐      given back, or its worker died
      │     └─────────► cancelled ┤     by a person, from queued too
      └───────────────────────────┘     put back by a person

A job of no generation stands for its video: the video's state follows. One of a generation that is built
beside changes nothing of its video.
"""

from typing import Any

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import Session

from indexer.catalog import webhooks
from indexer.catalog.states import JobState, VideoState
from indexer.catalog.tables import Clip, Job, Video

OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)
"""Of a job that is still to be done."""

CANCELLED = "cancelled"
CANCELLED_MESSAGE = "indexing was cancelled before it had ended"


def change_state(
    session: Session, condition: ColumnElement[bool], state: JobState, **values: Any
) -> Job | None:
    """Bring the one job that fits ``condition`` into ``state``, with ``values``; None when none fits it."""
    job = session.scalar(
        update(Job)
        .where(condition)
        .values(state=state, version=Job.version + 1, **values)
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if job is not None:
        entered(session, job)
    return job


def entered(session: Session, job: Job) -> None:
    """Do what goes with the state that ``job`` has just entered; called once for each change of a state."""
    if job.generation_id is None:
        _let_video_follow(session, job)
    webhooks.announce_job(session, job)


def _let_video_follow(session: Session, job: Job) -> None:
    state, code, message = _video_state(session, job)
    session.execute(
        update(Video)
        .where(Video.id == job.video_id)
        .values(state=state, error_code=code, error_message=message),
        execution_options={"synchronize_session": "fetch"},
    )


def _video_state(session: Session, job: Job) -> tuple[VideoState, str | None, str | None]:
    if job.state is JobState.FAILED:
        return VideoState.FAILED, job.error_code, job.error_message
    if job.state is JobState.CANCELLED and not _is_indexed(session, job.video_id):
        return VideoState.FAILED, CANCELLED, CANCELLED_MESSAGE
    following = {JobState.QUEUED: VideoState.PENDING, JobState.RUNNING: VideoState.INDEXING}
    return following.get(job.state, VideoState.READY), None, None


def _is_indexed(session: Session, video_id: str) -> bool:
    """Return whether an earlier job of the video succeeded."""
    return bool(session.scalar(select(exists().where(Clip.video_id == video_id))))
