"""Taking jobs out of the queue. Functions take a session and never commit.

- Of two claimers one wins: a row that another one is claiming is skipped on Postgres, and SQLite lets only
  one transaction write.
- A running job is claimed again when its lease is over, or when its owner was a process of this machine that
  is gone. A job whose third attempt, or a later one, ended so is failed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from indexer.catalog import jobs, owners
from indexer.catalog.chunking import in_chunks
from indexer.catalog.columns import now
from indexer.catalog.job_states import change_state
from indexer.catalog.lease_watch import LEASE_S, LeaseWatch
from indexer.catalog.states import GenerationState, JobState
from indexer.catalog.tables import Generation, Job

MAX_ATTEMPTS = 3
"""A video that was given up on this often, as its worker or decoder died, is not tried again."""

WORKER_DIED = "worker-died"


@dataclass
class Claimant:
    """A worker: its name, the generation it makes vectors for, and what it has seen of others' leases."""

    owner: str = field(default_factory=owners.this_process)
    generation_id: int | None = None
    """None claims what is for the serving generation, whichever that is."""
    leases: LeaseWatch = field(default_factory=LeaseWatch)


def claim(session: Session, claimant: Claimant, job_ids: Sequence[str] | None = None) -> Job | None:
    """Return the first job to do (of ``job_ids``, when given), now running under ``claimant``; None for none.

    The highest priority is first; of one priority what was tried least, so that a bad file keeps nobody
    waiting, and of that the oldest. Jobs of other generations, and of one that
    is paused, are left.
    """
    claimable = and_(_is_claimable(_orphans(session, claimant)), _is_of(claimant.generation_id))
    for chunk in in_chunks(job_ids) if job_ids is not None else [None]:
        condition = claimable if chunk is None else and_(claimable, Job.id.in_(chunk))
        if (job_id := _first(session, condition)) is not None:
            return _take(session, job_id, claimant.owner)
    return None


def give_up(session: Session, claimant: Claimant) -> list[Job]:
    """Fail the jobs that have lost their worker too often, and return them."""
    given_up = []
    for job in session.scalars(
        select(Job)
        .where(Job.id.in_(_orphans(session, claimant)), Job.attempts >= MAX_ATTEMPTS)
        .order_by(Job.id)
        .with_for_update(skip_locked=True)
    ).all():
        died = f"the worker died at attempt {job.attempts} to index this video, which is not tried again"
        if jobs.fail(session, job, WORKER_DIED, died):
            given_up.append(job)
    return given_up


def _orphans(session: Session, claimant: Claimant) -> list[str]:
    """Return the running jobs that nobody works at any more."""
    running = session.execute(
        select(Job.id, Job.owner, Job.token, Job.lease_until).where(Job.state == JobState.RUNNING)
    ).all()
    over = claimant.leases.over({job_id: (token, until) for job_id, _, token, until in running})
    gone = {job_id for job_id, owner, _, _ in running if owner is not None and owners.is_gone(owner)}
    return sorted(gone.union(over))


def _is_claimable(orphans: Sequence[str]) -> ColumnElement[bool]:
    is_orphan = and_(Job.state == JobState.RUNNING, Job.id.in_(orphans), Job.attempts < MAX_ATTEMPTS)
    return or_(Job.state == JobState.QUEUED, is_orphan)


def _is_of(generation_id: int | None) -> ColumnElement[bool]:
    """Return the condition that a job is for a generation; without one, for whichever serves."""
    if generation_id is None:
        return Job.generation_id.is_(None)
    ours = Generation.id == generation_id
    serves = exists().where(ours, Generation.state == GenerationState.SERVING)
    goes_on = exists().where(ours, Generation.is_paused.is_(False))
    return or_(and_(Job.generation_id.is_(None), serves), and_(Job.generation_id == generation_id, goes_on))


def _first(session: Session, condition: ColumnElement[bool]) -> str | None:
    return session.scalar(
        select(Job.id)
        .where(condition)
        .order_by(Job.priority.desc(), Job.attempts, Job.created_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # Postgres; SQLite's writer is alone anyway
    )


def _take(session: Session, job_id: str, owner: str) -> Job | None:
    moment = now()
    job = change_state(
        session,
        Job.id == job_id,
        JobState.RUNNING,
        stage="starting",
        fraction=0.0,
        owner=owner,
        lease_until=moment + timedelta(seconds=LEASE_S),
        token=Job.token + 1,
        attempts=Job.attempts + 1,
        claimed_at=moment,
    )
    if job is not None and job.started_at is None:
        job.started_at = moment
        session.flush()
    return job
