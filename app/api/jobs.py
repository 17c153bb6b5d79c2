"""``/jobs``: how far indexing is."""

from fastapi import APIRouter

from app.api.identifiers import Identifier
from app.dependencies import ServicesDependency
from app.descriptions import describe_job
from app.errors import UnknownJob
from app.problem_responses import problem_docs
from app.schemas import JobDetails
from indexer.catalog import jobs

router = APIRouter(tags=["jobs"])


@router.get("/jobs/{job_id}", summary="Read a job", responses=problem_docs(UnknownJob))
def read_job(services: ServicesDependency, job_id: Identifier) -> JobDetails:
    """Return the state, stage and progress of an indexing job."""
    with services.library.database.reading() as session:
        job = jobs.get(session, job_id)
    if job is None:
        raise UnknownJob(job_id)
    return describe_job(job)
