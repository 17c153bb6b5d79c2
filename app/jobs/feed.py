"""Changes of jobs for whoever watches them: one query for all watchers, twice a second.

Streams stay open for hours, so none of them has a thread: they wait in the event loop, and one look at the
catalog, in a thread kept for that, serves them all. A watcher that is slow misses what was in between and
gets the job as it is: events tell states, not history.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from anyio import CapacityLimiter, to_thread
from sqlalchemy.exc import OperationalError

from indexer.catalog import jobs
from indexer.catalog.session import Database
from indexer.catalog.tables import Job

LOOK_S = 0.5
"""Seconds between two looks: a progress bar needs no more."""

log = logging.getLogger(__name__)


class JobWatcher:
    """One stream's view of a job; it lives in the event loop."""

    def __init__(self) -> None:
        self.job: Job | None = None
        """As it was last seen; None when it is gone, with its video."""
        self.is_ended = False
        """Whether the service is being stopped, and the stream is to end."""
        self._news = asyncio.Event()

    async def wait(self, at_most_s: float) -> bool:
        """Return whether there is something new, at the latest after ``at_most_s`` seconds."""
        try:
            await asyncio.wait_for(self._news.wait(), at_most_s)
        except TimeoutError:
            return False
        self._news.clear()
        return True

    def see(self, job: Job | None) -> None:
        """Take a look's result."""
        if job is None or self.job is None or job.version != self.job.version:
            self.job = job
            self._news.set()

    def end(self) -> None:
        """Let the stream end."""
        self.is_ended = True
        self._news.set()


class JobFeed:
    """The watchers of one service. Everything but the look itself happens in its event loop."""

    def __init__(self, database: Database) -> None:
        """Watch nothing yet."""
        self._database = database
        self._watchers: dict[str, set[JobWatcher]] = {}
        self._threads = CapacityLimiter(1)
        self._looking: asyncio.Task[None] | None = None
        self._is_ended = False

    async def read(self, job_id: str) -> Job | None:
        """Return a job as it is now, or None, without a thread of those that answer searches."""
        return (await self._look([job_id])).get(job_id)

    @contextmanager
    def watch(self, job: Job) -> Iterator[JobWatcher]:
        """Yield a watcher that has ``job`` as its first news; must be called in the event loop."""
        watcher = JobWatcher()
        watcher.see(job)
        if self._is_ended:
            watcher.end()
        self._watchers.setdefault(job.id, set()).add(watcher)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look_while_watched())
        try:
            yield watcher
        finally:
            watchers = self._watchers[job.id]
            watchers.discard(watcher)
            if not watchers:
                del self._watchers[job.id]

    def end(self) -> None:
        """End all streams, and each new one at once: the service is being stopped."""
        self._is_ended = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.end()

    async def _look_while_watched(self) -> None:
        while self._watchers and not self._is_ended:
            await asyncio.sleep(LOOK_S)
            try:
                found = await self._look(list(self._watchers))
            except OperationalError:  # a database that restarts: the next look may get through
                log.warning("jobs cannot be looked at", exc_info=True)
                continue
            for job_id, watchers in self._watchers.items():
                if job_id in found:
                    for watcher in watchers:
                        watcher.see(found[job_id])

    async def _look(self, job_ids: Sequence[str]) -> dict[str, Job | None]:
        return await to_thread.run_sync(self._read, job_ids, limiter=self._threads)

    def _read(self, job_ids: Sequence[str]) -> dict[str, Job | None]:
        with self._database.reading() as session:
            found = jobs.get_many(session, job_ids)
        return {job_id: found.get(job_id) for job_id in job_ids}
