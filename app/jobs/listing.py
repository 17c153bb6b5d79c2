"""The list of jobs in pages, for the HTTP interface and the command line."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import StringConstraints

from app.calendar_time import CalendarTime
from app.jobs.details import JobList, describe_job
from app.opaque_cursor import Cursor, decode_cursor, page_info
from indexer.catalog import jobs
from indexer.catalog.session import Database
from indexer.catalog.states import JobState

MAX_PAGE = 200


class JobCursor(Cursor):
    """The last job of a page of the list."""

    created_at: CalendarTime
    job_id: Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]


def page_of_jobs(
    database: Database, *, states: Sequence[JobState], video_id: str | None, limit: int, cursor: str | None
) -> JobList:
    """Return jobs, newest first: of these ``states`` (all when empty) and of one video when it is given.

    Raises InvalidCursor.
    """
    place = decode_cursor(cursor, JobCursor) if cursor is not None else None
    after = (place.created_at, place.job_id) if place else None
    with database.reading() as session:
        found = jobs.list_page(session, limit=limit + 1, after=after, states=states, video_id=video_id)
    return JobList(
        data=[describe_job(job) for job in found[:limit]],
        page_info=page_info(found, limit, lambda job: JobCursor(created_at=job.created_at, job_id=job.id)),
    )
