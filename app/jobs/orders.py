"""What a person may order of a job: to cancel it, or to do it again."""

from app.errors import UnknownJob
from app.job_errors import JobConflict
from indexer.catalog import jobs, videos
from indexer.catalog.states import JobState
from indexer.catalog.tables import Job
from indexer.job_endings import remove_thumbnails
from indexer.library import Library


def cancel_job(library: Library, job_id: str) -> Job:
    """End a job that is not done yet and return it; one that is cancelled already stays so.

    Its worker stops within two seconds, and nothing of what it made is kept. Raises UnknownJob, and
    JobConflict for one that is done or has failed.
    """
    with library.database.writing() as session:
        job = jobs.cancel(session, job_id)
        if job is not None:
            video = videos.get(session, job.video_id)
            if video is not None:  # a worker that died has left its pictures; one that lives removes its own
                remove_thumbnails(session, library, video)
            return job
        found = jobs.get(session, job_id)
    if found is None:
        raise UnknownJob(job_id)
    if found.state is not JobState.CANCELLED:
        way_out = "there is nothing to cancel; DELETE /videos/{id} takes its video away"
        raise JobConflict(f"job {job_id} is {found.state.value} already: {way_out}")
    return found


def retry_job(library: Library, job_id: str) -> Job:
    """Put a failed or cancelled job back into the queue and return it; one that waits or runs stays so.

    Raises UnknownJob, and JobConflict for one that is done or whose work another job does.
    """
    with library.database.writing() as session:
        job = jobs.retry(session, job_id) or jobs.get(session, job_id)
    if job is None:
        raise UnknownJob(job_id)
    if job.state is JobState.DONE:
        raise JobConflict(f"job {job_id} is done: its video is indexed, and nothing is left to try again")
    if job.state not in (JobState.QUEUED, JobState.RUNNING):
        raise JobConflict(
            f"another job does the work of job {job_id} already: GET /jobs?video_id={job.video_id} shows it"
        )
    return job
