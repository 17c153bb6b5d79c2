"""Jobs that nobody works at, and videos that wait for a job that is not there."""

import time
from collections.abc import Iterator
from functools import partial

from sqlalchemy import exists, select

from indexer.catalog import job_claims, jobs, owners
from indexer.catalog.job_claims import Claimant
from indexer.catalog.job_states import OPEN_STATES
from indexer.catalog.lease_watch import LEASE_S, LeaseWatch
from indexer.catalog.states import JobState, VideoState
from indexer.catalog.tables import Job, Video
from indexer.doctor.finding import Finding, FindingCode
from indexer.doctor.queueing import INDEX_ANEW, index_anew
from indexer.library import Library

LOOK_EVERY_S = 1.0
"""Between two looks at leases that may be renewed."""


def examine_jobs(library: Library, *, is_deep: bool, lease_s: float = LEASE_S) -> Iterator[Finding]:
    """Yield running jobs whose worker is gone: one of this machine; if deep, any that is silent for a lease.

    So deep a look takes half a minute while anything is being indexed.
    """
    with library.database.reading() as session:
        running = session.scalars(select(Job).where(Job.state == JobState.RUNNING).order_by(Job.id)).all()
    silent = _silent(library, lease_s) if is_deep and running else set()
    for job in running:
        is_gone = job.owner is not None and owners.is_gone(job.owner)
        if is_gone or job.id in silent:
            yield Finding(
                FindingCode.JOB_STUCK,
                job.id,
                f"the job runs, and its worker {job.owner} is " + ("gone" if is_gone else "silent"),
                "put it back into the queue, which --repair does; a worker would do so too",
                partial(_put_back, library, job),
            )


def examine_waiting(library: Library) -> Iterator[Finding]:
    """Yield videos that are said to wait or to be indexed, without a job that would."""
    has_job = exists().where(
        Job.video_id == Video.id, Job.generation_id.is_(None), Job.state.in_(OPEN_STATES)
    )
    waiting = Video.state.in_((VideoState.PENDING, VideoState.INDEXING))
    with library.database.reading() as session:
        rows = session.execute(select(Video.id, Video.filename, Video.state).where(waiting, ~has_job)).all()
    for video_id, filename, state in rows:
        yield Finding(
            FindingCode.VIDEO_WITHOUT_JOB,
            video_id,
            f"{filename!r} is {state.value}, and no job of it is left",
            INDEX_ANEW,
            index_anew(library, video_id),
        )


def _silent(library: Library, lease_s: float) -> set[str]:
    """Return the running jobs whose lease nobody renews for ``lease_s``; waits so long."""
    watch = LeaseWatch(patience_s=lease_s)
    give_up_at = time.monotonic() + lease_s
    while True:
        with library.database.reading() as session:
            columns = (Job.id, Job.token, Job.lease_until)
            rows = session.execute(select(*columns).where(Job.state == JobState.RUNNING)).all()
        over = watch.over({job_id: (token, until) for job_id, token, until in rows})
        if not rows or time.monotonic() > give_up_at:
            return set(over)
        time.sleep(min(LOOK_EVERY_S, lease_s))


def _put_back(library: Library, job: Job) -> str | None:
    with library.database.writing() as session:
        if job.attempts >= job_claims.MAX_ATTEMPTS:
            claimant = Claimant(leases=LeaseWatch(patience_s=0.0))
            return "failed it" if job_claims.give_up(session, claimant) else None
        return "put it back into the queue" if jobs.put_back(session, job) else None
