"""Webhooks and their outbox: what is told is written with what it tells of. Functions never commit.

- A delivery is sent at least once: whoever claims it has it for a lease, and then another may.
- One that fails is tried again after the pauses of RETRY_AFTER_S and given up after the last.
- What was told of a video is deleted with it; ``video.deleted`` is told after that.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import CursorResult, select, tuple_, update
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm import Session

from indexer.advice import advice_on
from indexer.catalog.client_tables import Webhook, WebhookDelivery
from indexer.catalog.columns import new_id, now
from indexer.catalog.states import JobState
from indexer.catalog.tables import Job

RETRY_AFTER_S = (5, 60, 300, 1800, 7200, 18_000, 25_200, 32_400)
"""Pauses before the second try and the ones after it: a day in all."""

SPREAD = 0.1
"""Share by which a pause is lengthened at random, so that not all come at once when a receiver is back."""

KEPT_DAYS = 30
"""For how long deliveries that are over can be read."""

MAX_REASON_CHARACTERS = 300


class WebhookEvent(StrEnum):
    """What a webhook can be told of."""

    JOB_DONE = "job.done"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    VIDEO_DELETED = "video.deleted"


TEST_EVENT = "webhook.test"
"""Sent when a person asks for it, whatever events the webhook wants."""

EVENT_OF_STATE = {
    JobState.DONE: WebhookEvent.JOB_DONE,
    JobState.FAILED: WebhookEvent.JOB_FAILED,
    JobState.CANCELLED: WebhookEvent.JOB_CANCELLED,
}


@dataclass(frozen=True)
class ClaimedDelivery:
    """A message to send now, and where to."""

    id: str
    webhook_id: str
    url: str
    secret: str
    payload: dict[str, object]
    attempts: int
    """This one included: only while it stands may the outcome be written."""


def add(session: Session, url: str, secret: str, events: Sequence[str]) -> Webhook:
    """Return a new webhook."""
    webhook = Webhook(url=url, secret=secret, events=list(events))
    session.add(webhook)
    session.flush()
    return webhook


def get(session: Session, webhook_id: str) -> Webhook | None:
    """Return a webhook, or None."""
    return session.get(Webhook, webhook_id)


def list_all(session: Session) -> list[Webhook]:
    """Return every webhook, the oldest first."""
    return list(session.scalars(select(Webhook).order_by(Webhook.created_at, Webhook.id)))


def delete(session: Session, webhook_id: str) -> bool:
    """Delete a webhook with its deliveries; False when there is none."""
    deleted = session.execute(delete_rows(Webhook).where(Webhook.id == webhook_id))
    return isinstance(deleted, CursorResult) and deleted.rowcount == 1


def announce_job(session: Session, job: Job) -> None:
    """Write to the outbox that a job has ended; does nothing for one that goes on, or is of a rebuild.

    A rebuild has a job for every video of the library: ten thousand messages would help nobody. Call it in
    the transaction that ends the job, which ``job`` says already.
    """
    event = EVENT_OF_STATE.get(job.state)
    if event is None or job.generation_id is not None:
        return
    data: dict[str, object] = {
        "job_id": job.id,
        "video_id": job.video_id,
        "state": job.state.value,
        "attempts": job.attempts,
        "error": _describe_error(job),
    }
    announce(session, event, data, video_id=job.video_id)


def announce(session: Session, event: WebhookEvent, data: dict[str, object], *, video_id: str) -> None:
    """Write a message to every webhook that wants ``event``."""
    for webhook in _lock_all(session):
        if event in webhook.events:
            _write(session, webhook.id, event, data, video_id)
    session.flush()


def announce_test(session: Session, webhook_id: str) -> WebhookDelivery:
    """Write a message that tells of nothing to one webhook, and return it."""
    delivery = _write(session, webhook_id, TEST_EVENT, {"webhook_id": webhook_id}, None)
    session.flush()
    return delivery


def forget_video(session: Session, video_id: str) -> int:
    """Delete what was told of a video or was still to be told; return how much that was."""
    _lock_all(session)  # before the messages, in the order in which a webhook is deleted
    deleted = session.execute(delete_rows(WebhookDelivery).where(WebhookDelivery.video_id == video_id))
    return deleted.rowcount if isinstance(deleted, CursorResult) else 0


def is_any_due(session: Session, busy: Collection[str] = ()) -> bool:
    """Return whether a message waits to be sent to another webhook than those ``busy``."""
    due = WebhookDelivery.next_attempt_at <= now(), WebhookDelivery.webhook_id.not_in(busy)
    return session.scalar(select(WebhookDelivery.id).where(*due).limit(1)) is not None


def claim(session: Session, lease_s: float, busy: Collection[str] = ()) -> ClaimedDelivery | None:
    """Return the message that has been due for longest, ours for ``lease_s`` seconds; None when none is.

    Those to the webhooks ``busy`` are left out: one receiver that hangs must not hold up the others.
    """
    row = session.execute(
        select(WebhookDelivery, Webhook)
        .join(Webhook)
        .where(WebhookDelivery.next_attempt_at <= now(), Webhook.id.not_in(busy))
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.created_at)
        .limit(1)
        .with_for_update(skip_locked=True, of=WebhookDelivery)  # Postgres; SQLite's writer is alone anyway
    ).first()
    if row is None:
        return None
    delivery, webhook = row
    delivery.attempts += 1
    delivery.next_attempt_at = now() + timedelta(seconds=lease_s)
    session.flush()
    return ClaimedDelivery(
        delivery.id, webhook.id, webhook.url, webhook.secret, delivery.payload, delivery.attempts
    )


def record_delivered(session: Session, claimed: ClaimedDelivery) -> bool:
    """Note that a message arrived; False when another one has it by now."""
    return _end_attempt(session, claimed, next_attempt_at=None, delivered_at=now(), last_error=None)


def record_failed(session: Session, claimed: ClaimedDelivery, reason: str, *, is_final: bool = False) -> bool:
    """Note why a message did not arrive, to be tried again later or, after the last try, given up.

    Other messages that are due at the same receiver wait as long. False when another one has it by now.
    """
    reason = reason[:MAX_REASON_CHARACTERS]
    if is_final or claimed.attempts > len(RETRY_AFTER_S):
        return _end_attempt(session, claimed, next_attempt_at=None, gave_up_at=now(), last_error=reason)
    pause_s = RETRY_AFTER_S[claimed.attempts - 1]
    spread_s = pause_s * SPREAD * random.random()  # noqa: S311 - no secret
    later = now() + timedelta(seconds=pause_s + spread_s)
    is_ours = _end_attempt(session, claimed, next_attempt_at=later, last_error=reason)
    if is_ours:
        due = WebhookDelivery.webhook_id == claimed.webhook_id, WebhookDelivery.next_attempt_at <= now()
        free = select(WebhookDelivery.id).where(*due).with_for_update(skip_locked=True)  # waits for nobody
        waiting = update(WebhookDelivery).where(WebhookDelivery.id.in_(free))
        session.execute(
            waiting.values(next_attempt_at=later), execution_options={"synchronize_session": False}
        )
    return is_ours


def list_deliveries(
    session: Session, webhook_id: str, *, limit: int, after: tuple[datetime, str] | None = None
) -> list[WebhookDelivery]:
    """Return at most ``limit`` messages to a webhook, newest first, that follow the one at (time, id)."""
    statement = (
        select(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook_id)
        .order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc())
        .limit(limit)
    )
    if after is not None:
        place = tuple_(WebhookDelivery.created_at, WebhookDelivery.id)
        statement = statement.where(place < tuple_(*after))
    return list(session.scalars(statement))


def prune(session: Session) -> int:
    """Delete the deliveries that were over KEPT_DAYS ago and return how many those were."""
    oldest_kept = now() - timedelta(days=KEPT_DAYS)
    over = WebhookDelivery.next_attempt_at.is_(None), WebhookDelivery.created_at < oldest_kept
    deleted = session.execute(delete_rows(WebhookDelivery).where(*over))
    return deleted.rowcount if isinstance(deleted, CursorResult) else 0


def _lock_all(session: Session) -> Sequence[Webhook]:
    """Return every webhook; none is deleted before the commit, which a message to it would not outlive."""
    return session.scalars(
        select(Webhook).order_by(Webhook.id).with_for_update(read=True, key_share=True)
    ).all()


def _describe_error(job: Job) -> dict[str, object] | None:
    code = job.error_code
    return {"code": code, "message": job.error_message, "advice": advice_on(code)} if code else None


def _write(
    session: Session, webhook_id: str, event: str, data: dict[str, object], video_id: str | None
) -> WebhookDelivery:
    written_at = now()
    payload: dict[str, object] = {"type": event, "timestamp": written_at.isoformat(), "data": data}
    delivery = WebhookDelivery(
        id=new_id(),
        webhook_id=webhook_id,
        event=event,
        video_id=video_id,
        payload=payload,
        created_at=written_at,
        next_attempt_at=written_at,
    )
    session.add(delivery)
    return delivery


def _end_attempt(session: Session, claimed: ClaimedDelivery, **values: object) -> bool:
    """Write the outcome of a try unless a lease expired and another one tries by now."""
    result = session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.id == claimed.id,
            WebhookDelivery.attempts == claimed.attempts,
            WebhookDelivery.next_attempt_at.is_not(None),
        )
        .values(**values)
    )
    return isinstance(result, CursorResult) and result.rowcount == 1
