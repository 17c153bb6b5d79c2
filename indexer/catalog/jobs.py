"""Jobs: queueing, reading, renewing and ending them. Functions take a session and never commit.

- Claiming is ``job_claims``; the states and what follows from them are ``job_states``.
- A claim and a cancellation raise the fencing token: only who holds it may renew or end the job.
- Rows are locked in the order job, video, generation.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CursorResult, and_, case, or_, select, tuple_, update
from sqlalchemy.orm import Session

from indexer.catalog.chunking import in_chunks
from indexer.catalog.columns import now
from indexer.catalog.job_states import (
    CANCELLED,
    CANCELLED_MESSAGE,
    OPEN_STATES,
    change_state,
    entered,
)
from indexer.catalog.lease_watch import LEASE_S
from indexer.catalog.states import GenerationState, JobState, Priority
from indexer.catalog.tables import Generation, Job, Video


def enqueue(
    session: Session, video_id: str, *, priority: int = Priority.FOLDER, generation_id: int | None = None
) -> Job:
    """Return the open job of a video for a generation (None: the serving one), or a new one.

    An open job that waits with a lower priority gets this one. A new one of the serving generation comes with
    one for each generation that is being built. Raises LookupError for an unknown video.
    """
    video = session.get(Video, video_id, with_for_update=True)  # two requests at once make one job
    if video is None:
        raise LookupError(f"there is no video {video_id}: add it first")
    job = _open_job(session, video_id, generation_id)
    if job is not None:
        _raise_priority(session, job, priority)
        return job
    job = Job(video_id=video_id, generation_id=generation_id, priority=int(priority), version=1)
    session.add(job)
    session.flush()
    entered(session, job)
    if generation_id is None:
        built = select(Generation.id).where(Generation.state == GenerationState.BUILDING)
        for building_id in session.scalars(built).all():
            enqueue(session, video_id, priority=Priority.REBUILD, generation_id=building_id)
    return job


def get(session: Session, job_id: str) -> Job | None:
    """Return a job, or None."""
    return session.get(Job, job_id)


def get_many(session: Session, job_ids: Sequence[str]) -> dict[str, Job]:
    """Return those of the jobs that there are, by their ids."""
    found: dict[str, Job] = {}
    for chunk in in_chunks(job_ids):
        found.update({job.id: job for job in session.scalars(select(Job).where(Job.id.in_(chunk)))})
    return found


def latest(session: Session, video_ids: Sequence[str]) -> dict[str, Job]:
    """Return the newest job that stands for each video, where there is any."""
    newest: dict[str, Job] = {}
    for chunk in in_chunks(video_ids):
        rows = session.scalars(
            select(Job)
            .where(Job.video_id.in_(chunk), Job.generation_id.is_(None))
            .order_by(Job.created_at, Job.id)
        )
        newest.update({job.video_id: job for job in rows})
    return newest


def list_page(
    session: Session,
    *,
    limit: int,
    after: tuple[datetime, str] | None = None,
    states: Sequence[JobState] = (),
    video_id: str | None = None,
) -> list[Job]:
    """Return at most ``limit`` jobs, newest first, that follow the one made at ``after`` (time, id)."""
    statement = select(Job).order_by(Job.created_at.desc(), Job.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(Job.created_at, Job.id) < tuple_(*after))
    if states:
        statement = statement.where(Job.state.in_(states))
    if video_id is not None:
        statement = statement.where(Job.video_id == video_id)
    return list(session.scalars(statement))


def is_ours(session: Session, job: Job) -> bool:
    """Return whether the claim that gave us ``job`` still stands."""
    return session.scalar(select(Job.id).where(_ours(job))) is not None


def is_worked_at(session: Session, video_id: str, besides: Job | None = None) -> bool:
    """Return whether a worker has a job of the video; until the commit, none is claimed or put back."""
    found = session.execute(
        select(Job.id, Job.state).where(Job.video_id == video_id).order_by(Job.id).with_for_update()
    ).all()
    ours = besides.id if besides is not None else None
    return any(state is JobState.RUNNING and job_id != ours for job_id, state in found)


def hold(session: Session, job: Job) -> bool:
    """Return whether the claim that gave us ``job`` still stands, and keep it so until the commit."""
    return session.scalar(select(Job.id).where(_ours(job)).with_for_update()) is not None


def heartbeat(session: Session, job: Job, stage: str, fraction: float) -> bool:
    """Renew the lease and publish the progress (0 to 1); False when the job is no longer ours."""
    is_news = or_(Job.stage != stage, Job.fraction != fraction)
    result = session.execute(
        update(Job)
        .where(_ours(job))
        .values(
            stage=stage,
            fraction=fraction,
            lease_until=now() + timedelta(seconds=LEASE_S),
            version=Job.version + case((is_news, 1), else_=0),
        ),
        execution_options={"synchronize_session": False},
    )
    return isinstance(result, CursorResult) and result.rowcount == 1


def finish(session: Session, job: Job) -> bool:
    """End our job as done; False, with nothing changed, when it is no longer ours."""
    return _end(session, _ours(job), JobState.DONE, stage="done", fraction=1.0) is not None


def fail(session: Session, job: Job, code: str, message: str) -> bool:
    """End our job as failed; False, with nothing changed, when it is no longer ours."""
    return _end(session, _ours(job), JobState.FAILED, error_code=code, error_message=message) is not None


def release(session: Session, job: Job) -> bool:
    """Put our job back into the queue as if it had not been claimed; False when it is no longer ours."""
    return _queue(session, _ours(job), attempts=Job.attempts - 1) is not None


def try_again(session: Session, job: Job) -> bool:
    """Put our job back into the queue, its attempt counted; False when it is no longer ours."""
    return _queue(session, _ours(job)) is not None


def put_back(session: Session, job: Job) -> bool:
    """Queue a running job whose worker is gone, its attempt counted; False when it went on after all."""
    is_as_seen = Job.lease_until.is_not_distinct_from(job.lease_until)
    return _queue(session, and_(_ours(job), is_as_seen), token=Job.token + 1) is not None


def cancel(session: Session, job_id: str) -> Job | None:
    """End an open job at a person's wish, whoever works at it; None when it is not open or not known.

    Its worker's fencing token is void from now on: whatever that still does, nothing of it is written.
    """
    return _end(
        session,
        and_(Job.id == job_id, Job.state.in_(OPEN_STATES)),
        JobState.CANCELLED,
        token=Job.token + 1,
        error_code=CANCELLED,
        error_message=CANCELLED_MESSAGE,
    )


def retry(session: Session, job_id: str) -> Job | None:
    """Put a failed or cancelled job back into the queue, its attempts forgotten; None when it is neither.

    None too while another job does the same work.
    """
    job = session.get(Job, job_id, with_for_update=True)
    if job is None:
        return None
    session.get(Video, job.video_id, with_for_update=True)  # beside this, nothing is enqueued
    if _open_job(session, job.video_id, job.generation_id) is not None:
        return None
    is_over = and_(Job.id == job_id, Job.state.in_((JobState.FAILED, JobState.CANCELLED)))
    return _queue(
        session,
        is_over,
        attempts=0,
        started_at=None,
        finished_at=None,
        error_code=None,
        error_message=None,
    )


def _open_job(session: Session, video_id: str, generation_id: int | None) -> Job | None:
    return session.scalar(
        select(Job)
        .where(
            Job.video_id == video_id,
            Job.generation_id.is_not_distinct_from(generation_id),
            Job.state.in_(OPEN_STATES),
        )
        .limit(1)
    )


def _raise_priority(session: Session, job: Job, priority: int) -> None:
    """Let ``job`` wait for less long, unless somebody is just claiming it."""
    waiting = session.scalar(
        select(Job)
        .where(Job.id == job.id, Job.state == JobState.QUEUED, Job.priority < priority)
        .with_for_update(skip_locked=True)  # its lock is to be taken before the video's, which we have
    )
    if waiting is not None:
        waiting.priority, waiting.version = int(priority), waiting.version + 1


def _ours(job: Job) -> ColumnElement[bool]:
    return and_(Job.id == job.id, Job.token == job.token, Job.state == JobState.RUNNING)


def _end(session: Session, condition: ColumnElement[bool], state: JobState, **values: object) -> Job | None:
    return change_state(session, condition, state, finished_at=now(), owner=None, lease_until=None, **values)


def _queue(session: Session, condition: ColumnElement[bool], **values: object) -> Job | None:
    return change_state(
        session,
        condition,
        JobState.QUEUED,
        stage="queued",
        fraction=0.0,
        owner=None,
        lease_until=None,
        claimed_at=None,
        **values,
    )
