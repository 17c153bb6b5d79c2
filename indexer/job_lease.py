"""Keeping a claimed job ours: a small thread renews its lease while the work goes on.

The thread exists because encoding one batch on a slow machine may outlast the lease. It also publishes the
stage and the fraction, so that the work itself never waits for the database, and ends the decoder as soon as
the job was cancelled, its video deleted or its lease lost.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy.exc import OperationalError

from indexer.catalog import jobs
from indexer.catalog.session import Database
from indexer.catalog.tables import Job

LOOK_S = 0.5
"""Seconds between two looks whether the job is still ours: a cancelled one is to stop within two."""

LOOKS_PER_RENEWAL = 4
"""A renewal writes, which may have to wait for others; it needs to come often enough for a progress bar."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far an ingest is: its stage, the fraction of it done (0 to 1), the seconds of video decoded."""

    stage: str
    fraction: float
    decoded_s: float


OnProgress = Callable[[Progress], None]
"""Hears how far an ingest is; raises to stop it."""


def ignore_progress(progress: Progress) -> None:
    """Hear of progress and do nothing."""


class LeaseLost(Exception):  # noqa: N818 - an event of the protocol, not a defect
    """The job was taken over or cancelled, or its video deleted: nothing of ours may be written."""


class JobLease:
    """A context in which ``job`` is renewed; whoever does it reports its progress here."""

    def __init__(
        self, database: Database, job: Job, on_progress: OnProgress = ignore_progress, look_s: float = LOOK_S
    ) -> None:
        """Hold the claimed ``job``; nothing is renewed before the context is entered."""
        self.job = job
        self._database, self._on_progress, self._look_s = database, on_progress, look_s
        self._stage, self._fraction = "starting", 0.0
        self._is_lost = threading.Event()
        self._is_over = threading.Event()
        self._losing = threading.Lock()
        self._stops: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._keep_until_over, name=f"lease-{job.id}", daemon=True)

    def report(self, progress: Progress) -> None:
        """Note how far the job is, for the next renewal to publish; raises LeaseLost."""
        self._stage, self._fraction = progress.stage, progress.fraction
        if self._is_lost.is_set():
            raise LeaseLost(f"job {self.job.id} is no longer ours at stage {progress.stage!r}")
        self._on_progress(progress)

    @contextmanager
    def stopping(self, stop: Callable[[], None]) -> Iterator[None]:
        """Call ``stop``, from another thread, if the job is lost within the block, or was before."""
        with self._losing:
            self._stops.append(stop)
            if self._is_lost.is_set():
                stop()
        try:
            yield
        finally:
            with self._losing:
                self._stops.remove(stop)

    def __enter__(self) -> Self:
        """Start renewing."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop renewing; the lease itself stays until the job is ended or it expires."""
        self._is_over.set()
        self._thread.join()

    def _keep_until_over(self) -> None:
        looks = 0
        while not self._is_over.wait(self._look_s):
            looks += 1
            try:
                is_ours = self._renew() if looks % LOOKS_PER_RENEWAL == 0 else self._look()
            except OperationalError as error:  # a busy or restarting database: the next look may get through
                log.warning("heartbeat failed", extra={"job_id": self.job.id, "reason": str(error)})
                looks = -1  # the next one renews: others may have been waiting all the while
                continue
            if not is_ours:
                self._lose()
                return

    def _look(self) -> bool:
        with self._database.reading() as session:
            return jobs.is_ours(session, self.job)

    def _renew(self) -> bool:
        with self._database.writing() as session:
            return jobs.heartbeat(session, self.job, self._stage, self._fraction)

    def _lose(self) -> None:
        with self._losing:
            self._is_lost.set()
            for stop in self._stops:
                stop()
