"""The thread of a service that sends what lies in the outbox; any number of services may share one.

A message is claimed in a transaction of its own, so no two services send it at once. One that hangs holds
up neither the others (several are sent at a time, one to a receiver) nor a service that stops.
"""

import logging
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from app.webhooks.sending import NotDelivered, Sender
from indexer.background_work import BackgroundWork, IsStopped
from indexer.catalog import webhooks
from indexer.catalog.session import Database
from indexer.catalog.webhooks import ClaimedDelivery

IDLE_S = 1.0
"""Between two looks at an empty outbox."""

LEASE_S = 120.0
"""Far more than a try takes, looking up the name included: what a service that died costs a message."""

AT_ONCE = 4

DATABASE_PAUSE_S = 5.0

PRUNE_EVERY_S = 3600.0

CLOSE_WITHIN_S = 1.0
"""A system that looks up a name cannot be interrupted: whoever does so then is left to it."""

log = logging.getLogger(__name__)


class Deliverer:
    """Delivers messages in threads of its own until it is closed."""

    def __init__(self, database: Database, sender: Sender) -> None:
        """Begin nothing yet."""
        self._database, self._sender = database, sender
        self._work = BackgroundWork("webhooks")
        self._wake = threading.Event()
        self._changed = threading.Condition()
        self._busy: dict[str, threading.Thread] = {}
        self._prune_at = 0.0

    def start(self) -> None:
        """Send from now on what is due."""
        self._work.start(self._run)

    def wake(self) -> None:
        """Look at the outbox at once."""
        self._wake.set()

    def close(self) -> None:
        """Break off what is being sent, which is sent again later, and end."""
        self._sender.close()
        self._wake.set()
        with self._changed:
            threads = list(self._busy.values())
        self._work.close()
        give_up_at = time.monotonic() + CLOSE_WITHIN_S
        for thread in threads:
            thread.join(max(0.0, give_up_at - time.monotonic()))

    def _run(self, is_stopped: IsStopped) -> None:
        while not is_stopped():
            try:
                has_begun = self._begin_one()
            except SQLAlchemyError:
                log.warning("webhooks wait for the database", exc_info=True)
                self._pause(DATABASE_PAUSE_S)
                continue
            if not has_begun:
                self._pause(IDLE_S)

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)
        if not self._work.is_stopped():
            self._wake.clear()

    def _begin_one(self) -> bool:
        """Begin to send the next message in a thread of its own; False when there is none, or no room."""
        self._prune_sometimes()
        with self._changed:
            busy = list(self._busy)
        if len(busy) >= AT_ONCE:
            return False
        with self._database.reading() as session:
            if not webhooks.is_any_due(session, busy):
                return False
        with self._database.writing() as session:
            claimed = webhooks.claim(session, LEASE_S, busy)
        if claimed is None:
            return False
        thread = threading.Thread(target=self._deliver, args=[claimed], name="webhook", daemon=True)
        with self._changed:
            self._busy[claimed.webhook_id] = thread
        thread.start()
        return True

    def _deliver(self, claimed: ClaimedDelivery) -> None:
        try:
            failure = self._try(claimed)
            if not self._work.is_stopped():
                self._record(claimed, failure)
        except Exception:  # the lease runs out, and it is sent again
            log.warning("a webhook's message was left", extra={"delivery_id": claimed.id}, exc_info=True)
        finally:
            with self._changed:
                del self._busy[claimed.webhook_id]
            self._wake.set()

    def _try(self, claimed: ClaimedDelivery) -> NotDelivered | None:
        try:
            self._sender.send(claimed)
        except NotDelivered as failure:
            return failure
        return None

    def _record(self, claimed: ClaimedDelivery, failure: NotDelivered | None) -> None:
        with self._database.writing() as session:
            if failure is None:
                webhooks.record_delivered(session, claimed)
            else:
                webhooks.record_failed(session, claimed, str(failure), is_final=failure.is_final)
        log.info(
            "webhook answered" if failure is None else "webhook not delivered",
            extra={
                "action": "webhook_delivered" if failure is None else "webhook_failed",
                "delivery_id": claimed.id,
                "attempts": claimed.attempts,
                "reason": str(failure or ""),
            },
        )

    def _prune_sometimes(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + PRUNE_EVERY_S
        with self._database.writing() as session:
            webhooks.prune(session)
