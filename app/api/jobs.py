"""``/jobs``: how far indexing is, and what a person orders of it."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse

from app.api.identifiers import Identifier
from app.dependencies import ServicesDependency
from app.errors import InvalidCursor, UnknownJob
from app.job_errors import JobConflict
from app.jobs.details import JobDetails, JobList, describe_job
from app.jobs.events import is_told, job_events, known_version
from app.jobs.listing import MAX_PAGE, page_of_jobs
from app.jobs.orders import cancel_job, retry_job
from app.problem_responses import problem_docs
from app.urls import job_url
from indexer.catalog import jobs
from indexer.catalog.states import JobState

router = APIRouter(tags=["jobs"])

EVENT_STREAM = {
    "type": "string",
    "description": "Events: `id` is the job's version, `data` the job as `GET /jobs/{job_id}` tells it; "
    "the last one is of kind `deleted` when the video was deleted",
}


@router.get("/jobs", summary="List jobs", responses=problem_docs(InvalidCursor, RequestValidationError))
def list_jobs(
    services: ServicesDependency,
    state: Annotated[list[JobState], Query(description="Only those in this state, or in one of these")] = [],  # noqa: B006 - copied by FastAPI
    video_id: Annotated[Identifier | None, Query(description="Only those of this video")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most jobs on a page")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
) -> JobList:
    """Return jobs, newest first."""
    return page_of_jobs(
        services.library.database, states=state, video_id=video_id, limit=limit, cursor=cursor
    )


@router.get("/jobs/{job_id}", summary="Read a job", responses=problem_docs(UnknownJob))
def read_job(services: ServicesDependency, job_id: Identifier) -> JobDetails:
    """Return the state, stage and progress of an indexing job, and the seconds left as far as can be told."""
    with services.library.database.reading() as session:
        job = jobs.get(session, job_id)
    if job is None:
        raise UnknownJob(job_id)
    return describe_job(job)


@router.get(
    "/jobs/{job_id}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events, each a job as JSON; the last one is its final state",
            "content": {"text/event-stream": {"schema": EVENT_STREAM}},
        },
        204: {"description": "The job has ended, as the client knows"},
        **problem_docs(UnknownJob),
    },
)
async def follow_job(
    services: ServicesDependency,
    job_id: Identifier,
    last_event_id: Annotated[str | None, Header(description="The last event that the client has")] = None,
) -> Response:
    """Tell each change of a job until it has ended; asynchronous, as hundreds of streams may be open."""
    job = await services.job_feed.read(job_id)
    if job is None:
        raise UnknownJob(job_id)
    known = known_version(last_event_id)
    if is_told(job, known):
        return Response(status_code=204)  # tells a browser to stop connecting again
    return StreamingResponse(
        job_events(services.job_feed, job, known),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},  # no proxy may keep events back
    )


@router.post("/jobs/{job_id}/cancel", summary="Cancel a job", responses=problem_docs(UnknownJob, JobConflict))
def cancel(services: ServicesDependency, job_id: Identifier) -> JobDetails:
    """End a job that waits or runs; its worker stops within two seconds. Repeated, it answers the same."""
    return describe_job(cancel_job(services.library, job_id))


@router.post(
    "/jobs/{job_id}/retry",
    status_code=202,
    summary="Retry a job",
    responses=problem_docs(UnknownJob, JobConflict),
)
def retry(services: ServicesDependency, job_id: Identifier, response: Response) -> JobDetails:
    """Put a job that failed or was cancelled back into the queue; one that waits or runs stays as it is."""
    job = retry_job(services.library, job_id)
    response.headers["Location"] = job_url(job.id)
    return describe_job(job)
