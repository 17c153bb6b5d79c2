"""Putting jobs into the queue and taking them out, one transaction each."""

from indexer.catalog import jobs
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


def claim(database: Database, owner: str = "elsewhere:1", lease_s: float = 30) -> Job | None:
    """Return the next job, claimed for ``owner``, or None."""
    with database.writing() as session:
        return jobs.claim(session, owner, lease_s)


def claim_one(database: Database, owner: str = "elsewhere:1", lease_s: float = 30) -> Job:
    """Return the next job, claimed for ``owner``; raises LookupError when there is none."""
    job = claim(database, owner, lease_s)
    if job is None:
        raise LookupError("there was nothing to claim")
    return job


def read(database: Database, job: Job) -> tuple[Job, Video]:
    """Return the job and its video as they are stored now."""
    with database.reading() as session:
        return session.get_one(Job, job.id), session.get_one(Video, job.video_id)
