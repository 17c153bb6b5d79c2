"""Putting jobs into the queue and taking them out, one transaction each."""

from indexer.catalog import job_claims, jobs
from indexer.catalog.job_claims import Claimant
from indexer.catalog.lease_watch import LEASE_S, LeaseWatch
from indexer.catalog.session import Database
from indexer.catalog.tables import Job, Video
from tests.factories import make_video


def enqueue(database: Database, count: int = 1) -> list[Job]:
    """Return jobs of as many new videos, oldest first."""
    queued = []
    for _ in range(count):
        with database.writing() as session:
            video = make_video()
            session.add(video)
            session.flush()
            queued.append(jobs.enqueue(session, video.id))
    return queued


def claimant(owner: str = "elsewhere:1", patience_s: float = LEASE_S) -> Claimant:
    """Return a worker of that name which waits ``patience_s`` before it takes over a silent one's job."""
    return Claimant(owner, leases=LeaseWatch(patience_s))


def claim(database: Database, owner: str = "elsewhere:1", patience_s: float = LEASE_S) -> Job | None:
    """Return the next job, claimed for ``owner`` as a worker does it, or None."""
    worker = claimant(owner, patience_s)
    with database.writing() as session:
        job_claims.give_up(session, worker)
        return job_claims.claim(session, worker)


def claim_one(database: Database, owner: str = "elsewhere:1", patience_s: float = LEASE_S) -> Job:
    """Return the next job, claimed for ``owner``; raises LookupError when there is none."""
    job = claim(database, owner, patience_s)
    if job is None:
        raise LookupError("there was nothing to claim")
    return job


def read(database: Database, job: Job) -> tuple[Job, Video]:
    """Return the job and its video as they are stored now."""
    with database.reading() as session:
        return session.get_one(Job, job.id), session.get_one(Video, job.video_id)
