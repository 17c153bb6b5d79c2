"""``reelseek jobs``: what is indexed, waits or failed, and orders about it."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.config import ServiceSettings
from app.jobs.details import JobDetails, JobList, describe_job
from app.jobs.listing import MAX_PAGE, page_of_jobs
from app.request_error import RequestError
from app.terminal.table import count_of
from indexer.catalog import jobs as catalog_jobs
from indexer.catalog.states import JobState
from indexer.library import Library, open_library

jobs = typer.Typer(
    name="jobs", help="Look at indexing jobs, cancel them or try them again.", no_args_is_help=True
)

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job, as `reelseek jobs list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what the HTTP interface answers.")]

STYLES = {
    JobState.RUNNING: "cyan",
    JobState.DONE: "green",
    JobState.FAILED: "red",
    JobState.CANCELLED: "yellow",
}


@jobs.command("list")
def list_jobs(
    state: Annotated[
        list[JobState] | None, typer.Option(help="Only in this state; again for another.")
    ] = None,
    video: Annotated[
        str | None, typer.Option("--video", metavar="ID", help="Only of the video with this id.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="Most jobs to print.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="next_cursor of the page before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print jobs, newest first."""
    with _library() as library:
        page = page_of_jobs(library.database, states=state or [], video_id=video, limit=limit, cursor=cursor)
    if as_json:
        _write(page)
    else:
        _print_page(Console(), page)


@jobs.command()
def show(job: JobId, as_json: AsJson = False) -> None:
    """Print a job, and what to do if it failed."""
    from app.errors import UnknownJob

    with _library() as library, library.database.reading() as session:
        found = catalog_jobs.get(session, job)
        if found is None:
            raise UnknownJob(job)
    _show(describe_job(found), as_json)


@jobs.command()
def cancel(job: JobId, as_json: AsJson = False) -> None:
    """End a job that waits or runs; its worker stops within two seconds."""
    from app.jobs.orders import cancel_job

    with _library() as library:
        cancelled = cancel_job(library, job)
    _show(describe_job(cancelled), as_json)


@jobs.command()
def retry(job: JobId, as_json: AsJson = False) -> None:
    """Put a job that failed or was cancelled back into the queue."""
    from app.jobs.orders import retry_job

    with _library() as library:
        queued = retry_job(library, job)
    _show(describe_job(queued), as_json)


@contextmanager
def _library() -> Iterator[Library]:
    """Yield the library of the settings; what is wrong with a request ends the command, in one line."""
    library = open_library(ServiceSettings())
    try:
        yield library
    except RequestError as error:
        raise ValueError(str(error)) from error
    finally:
        library.close()


def _show(job: JobDetails, as_json: bool) -> None:
    if as_json:
        _write(job)
        return
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(job):
        facts.add_row(Text(name, style="dim"), value)
    Console().print(facts)


def _facts(job: JobDetails) -> Sequence[tuple[str, Text]]:
    """Return the lines of a job: names and values, in the order of what matters first."""
    facts = [
        ("job", Text(job.id)),
        ("video", Text(job.video_id)),
        ("state", Text(job.state, style=STYLES.get(job.state, ""))),
        ("stage", Text(f"{job.stage} {_progress(job)}".strip())),
        ("attempts", Text(str(job.attempts))),
    ]
    if job.error is not None:
        facts += [("error", Text(f"{job.error.code}: {job.error.message}")), ("do", Text(job.error.advice))]
    return facts


def _print_page(console: Console, page: JobList) -> None:
    if not page.data:
        console.print("There is no such job.")
        return
    # 80 columns wide with the longest of each: an id is to be copied whole.
    table = Table("job", "state", "tries", "made", "progress", box=SIMPLE_HEAD, padding=0, show_edge=False)
    for column in table.columns[:-1]:
        column.no_wrap = True
    for job in page.data:
        table.add_row(
            job.id,
            Text(job.state, style=STYLES.get(job.state, "")),
            str(job.attempts),
            f"{job.created_at:%m-%d %H:%M}",
            job.error.code if job.error else _progress(job),
        )
    console.print(table)
    more = " There are more: --cursor with the next_cursor of --json." if page.page_info.next_cursor else ""
    console.print(f"{count_of(len(page.data), 'job')}.{more}", highlight=False)


def _progress(job: JobDetails) -> str:
    """Return how far a running job is, and how long it will still take as far as that can be told."""
    if job.state is not JobState.RUNNING:
        return ""
    left = "" if job.eta_s is None else f", {timedelta(seconds=round(job.eta_s))} left"
    return f"{job.fraction:.0%}{left}"


def _write(answer: JobDetails | JobList) -> None:
    sys.stdout.write(answer.model_dump_json(indent=2) + "\n")
