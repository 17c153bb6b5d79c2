"""Jobs: claiming, renewing and ending them. Functions take a session and never commit.

- A claim raises the fencing token; only its holder may renew or end the job.
- A running job is claimed again when its lease expired, or when its owner was a process of this machine that
  is no longer there. A job whose owner died so three times is failed.
- A video's state follows its job's: pending → indexing → ready | failed.
"""

import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, or_, select, update
from sqlalchemy.orm import Session

from indexer.catalog.chunking import in_chunks
from indexer.catalog.columns import now
from indexer.catalog.states import JobState, VideoState
from indexer.catalog.tables import Job, Video

LEASE_S = 30.0
"""How long a worker may be silent before its job is another's: what a dead machine costs."""

MAX_ATTEMPTS = 3
"""A video that has killed its worker this often is not tried again: one bad file must not stop the queue."""

WORKER_DIED = "worker-died"


def this_process() -> str:
    """Return the name under which this process owns jobs: ``host:pid``."""
    return f"{socket.gethostname()}:{os.getpid()}"


def enqueue(session: Session, video_id: str) -> Job:
    """Return the queued or running job of a video, or a new one; raises LookupError for an unknown video."""
    video = session.get(Video, video_id, with_for_update=True)  # two requests at once make one job
    if video is None:
        raise LookupError(f"there is no video {video_id}: add it first")
    open_states = (JobState.QUEUED, JobState.RUNNING)
    job = session.scalar(select(Job).where(Job.video_id == video_id, Job.state.in_(open_states)).limit(1))
    if job is None:
        job = Job(video_id=video_id)
        session.add(job)
        video.state, video.error_code, video.error_message = VideoState.PENDING, None, None
        session.flush()
    return job


def get(session: Session, job_id: str) -> Job | None:
    """Return a job, or None."""
    return session.get(Job, job_id)


def latest(session: Session, video_ids: Sequence[str]) -> dict[str, Job]:
    """Return the newest job of each video that has any."""
    newest: dict[str, Job] = {}
    for chunk in in_chunks(video_ids):
        rows = session.scalars(select(Job).where(Job.video_id.in_(chunk)).order_by(Job.created_at, Job.id))
        newest.update({job.video_id: job for job in rows})
    return newest


def claim(
    session: Session, owner: str, lease_s: float = LEASE_S, job_ids: Sequence[str] | None = None
) -> Job | None:
    """Return the oldest job to do (of ``job_ids``, when given), now running under ``owner``; None for none.

    Two claimers never get the same job: a row that another one is claiming is skipped on Postgres, and SQLite
    lets only one transaction write.
    """
    claimable = _is_claimable(_dead_owners(session))
    for chunk in in_chunks(job_ids) if job_ids is not None else [None]:
        conditions = [claimable] if chunk is None else [claimable, Job.id.in_(chunk)]
        while (job := _oldest(session, conditions)) is not None:
            if job.state is JobState.QUEUED or job.attempts < MAX_ATTEMPTS:
                return _take(session, job, owner, lease_s)
            _give_up(session, job)
    return None


def heartbeat(session: Session, job: Job, stage: str, fraction: float, lease_s: float = LEASE_S) -> bool:
    """Renew the lease and publish the progress (0 to 1); False when the job is no longer ours."""
    return _update_if_ours(
        session, job, stage=stage, fraction=fraction, lease_until=now() + timedelta(seconds=lease_s)
    )


def finish(session: Session, job: Job) -> bool:
    """End our job as done and its video as ready; False, with nothing changed, when it is no longer ours."""
    return _end(session, job, JobState.DONE, VideoState.READY, stage="done", fraction=1.0)


def fail(session: Session, job: Job, code: str, message: str) -> bool:
    """End our job and its video as failed; False, with nothing changed, when it is no longer ours."""
    return _end(session, job, JobState.FAILED, VideoState.FAILED, error_code=code, error_message=message)


def release(session: Session, job: Job) -> bool:
    """Put our job back into the queue as if it had not been claimed; False when it is no longer ours."""
    is_ours = _update_if_ours(
        session,
        job,
        state=JobState.QUEUED,
        stage="queued",
        fraction=0.0,
        attempts=Job.attempts - 1,
        owner=None,
        lease_until=None,
    )
    if is_ours:
        _set_video(session, job.video_id, VideoState.PENDING)
    return is_ours


def _is_claimable(dead_owners: Sequence[str]) -> ColumnElement[bool]:
    is_orphan = or_(Job.lease_until < now(), Job.owner.in_(dead_owners))
    return or_(Job.state == JobState.QUEUED, and_(Job.state == JobState.RUNNING, is_orphan))


def _dead_owners(session: Session) -> list[str]:
    """Return the owners of running jobs that were processes of this machine and are gone."""
    prefix = f"{socket.gethostname()}:"
    owners = session.scalars(
        select(Job.owner)
        .where(Job.state == JobState.RUNNING, Job.owner.startswith(prefix, autoescape=True))
        .distinct()
    )
    return [owner for owner in owners if owner and not _is_alive(owner.removeprefix(prefix))]


def _is_alive(pid: str) -> bool:
    if not pid.isdecimal():
        return True  # not a name of ours: its lease decides
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _oldest(session: Session, conditions: Sequence[ColumnElement[bool]]) -> Job | None:
    return session.scalar(
        select(Job)
        .where(*conditions)
        .order_by(Job.created_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # Postgres; SQLite's writer is alone anyway
        .execution_options(populate_existing=True)
    )


def _take(session: Session, job: Job, owner: str, lease_s: float) -> Job:
    job.state, job.stage, job.fraction = JobState.RUNNING, "starting", 0.0
    job.owner, job.lease_until = owner, now() + timedelta(seconds=lease_s)
    job.token += 1
    job.attempts += 1
    job.started_at = job.started_at or now()
    _set_video(session, job.video_id, VideoState.INDEXING)
    session.flush()
    return job


def _give_up(session: Session, job: Job) -> None:
    fail(
        session,
        job,
        WORKER_DIED,
        f"the worker died {job.attempts} times while it indexed this video, which is not tried again: "
        "look at the worker's log, convert the file (or give the worker more memory) and index it anew",
    )
    session.refresh(job)


def _end(session: Session, job: Job, state: JobState, video_state: VideoState, **values: Any) -> bool:
    is_ours = _update_if_ours(
        session, job, state=state, finished_at=now(), owner=None, lease_until=None, **values
    )
    if is_ours:
        _set_video(session, job.video_id, video_state, values.get("error_code"), values.get("error_message"))
    return is_ours


def _update_if_ours(session: Session, job: Job, **values: Any) -> bool:
    result = session.execute(
        update(Job)
        .where(Job.id == job.id, Job.token == job.token, Job.state == JobState.RUNNING)
        .values(values),
        execution_options={"synchronize_session": False},
    )
    return isinstance(result, CursorResult) and result.rowcount == 1


def _set_video(
    session: Session, video_id: str, state: VideoState, code: str | None = None, message: str | None = None
) -> None:
    session.execute(
        update(Video).where(Video.id == video_id).values(state=state, error_code=code, error_message=message)
    )
