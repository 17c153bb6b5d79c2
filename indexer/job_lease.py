"""Keeping a claimed job ours: a small thread renews its lease while the work goes on.

The thread exists because encoding one batch on a slow machine may outlast the lease. It also publishes the
stage and the fraction, so that the work itself never waits for the database.
"""

import logging
import threading
from types import TracebackType
from typing import Self

from sqlalchemy.exc import OperationalError

from indexer.catalog import jobs
from indexer.catalog.session import Database
from indexer.catalog.tables import Job

HEARTBEAT_S = 2.0
"""Seconds between two renewals; a fraction of the lease, and often enough for a progress bar."""

log = logging.getLogger(__name__)


class LeaseLost(Exception):  # noqa: N818 - an event of the protocol, not a defect
    """Another worker holds the job now, or its video was deleted: nothing of ours may be written."""


class JobLease:
    """A context in which ``job`` is renewed every ``heartbeat_s`` seconds."""

    def __init__(self, database: Database, job: Job, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._database, self._job, self._heartbeat_s = database, job, heartbeat_s
        self._stage, self._fraction = "starting", 0.0
        self._is_lost = threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_over, name=f"lease-{job.id}", daemon=True)

    def report(self, stage: str, fraction: float) -> None:
        """Note how far the job is (0 to 1), for the next renewal to publish; raises LeaseLost."""
        self._stage, self._fraction = stage, fraction
        if self._is_lost.is_set():
            raise LeaseLost(f"the lease of job {self._job.id} was lost at stage {stage!r}")

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

    def _renew_until_over(self) -> None:
        while not self._is_over.wait(self._heartbeat_s):
            try:
                with self._database.writing() as session:
                    is_ours = jobs.heartbeat(session, self._job, self._stage, self._fraction)
            except OperationalError as error:  # a busy or restarting database: the next beat may get through
                log.warning("heartbeat failed", extra={"job_id": self._job.id, "reason": str(error)})
                continue
            if not is_ours:
                self._is_lost.set()
                return
