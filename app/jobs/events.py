"""Server-sent events of one job (the event stream of the HTML standard): a state each, until the last.

The id of an event is the job's version. A client that connects again tells the last one it has
(``Last-Event-ID``) and hears of nothing it knows.
"""

from collections.abc import AsyncIterator

from app.jobs.details import describe_job
from app.jobs.feed import JobFeed
from indexer.catalog.job_states import OPEN_STATES
from indexer.catalog.tables import Job

HEARTBEAT_S = 15.0
"""Between two comments in a stream without news: proxies cut a connection that is silent for 30 to 60 s."""

RECONNECT_MS = 2000
"""What a browser waits before it connects again."""


def known_version(last_event_id: str | None) -> int | None:
    """Return the version that a client has, or None: what is no number of ours is as good as nothing."""
    is_number = last_event_id is not None and last_event_id.isascii() and last_event_id.isdecimal()
    return int(last_event_id[:20]) if is_number and last_event_id else None


def is_told(job: Job, known: int | None) -> bool:
    """Return whether a client that has the version ``known`` will never hear anything new of the job."""
    return job.state not in OPEN_STATES and job.version == known


async def job_events(feed: JobFeed, job: Job, known: int | None) -> AsyncIterator[str]:
    """Yield the stream of a job: its state unless that is ``known``, each later one, and comments between."""
    yield f"retry: {RECONNECT_MS}\n\n"
    with feed.watch(job) as watcher:
        while True:
            is_new = await watcher.wait(HEARTBEAT_S)
            if watcher.is_ended:
                return
            if watcher.job is None:
                yield f'event: deleted\ndata: {{"id": "{job.id}"}}\n\n'
                return
            if not is_new:
                yield ": nothing new\n\n"
            elif watcher.job.version != known:
                known = watcher.job.version
                yield f"id: {known}\ndata: {describe_job(watcher.job).model_dump_json()}\n\n"
            if is_told(watcher.job, known):
                return
