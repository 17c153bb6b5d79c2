"""The outbox, on SQLite and on Postgres: written with what it tells of, claimed by one, tried for a day."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from indexer.advice import advice_on
from indexer.catalog import job_states, jobs, videos, webhooks
from indexer.catalog.client_tables import Webhook, WebhookDelivery
from indexer.catalog.columns import now
from indexer.catalog.session import Database
from indexer.catalog.states import GenerationState, JobState
from indexer.catalog.tables import Job
from indexer.catalog.webhooks import RETRY_AFTER_S, ClaimedDelivery, WebhookEvent
from tests.factories import make_generation, make_job, make_video

DATA: dict[str, object] = {"video_id": "v"}


def add_webhook(database: Database, *events: WebhookEvent) -> str:
    with database.writing() as session:
        return webhooks.add(session, "https://a.example/", "whsec_MTIz", events or tuple(WebhookEvent)).id


def announce(database: Database, count: int = 1, video_id: str = "v") -> None:
    for _ in range(count):
        with database.writing() as session:
            webhooks.announce(session, WebhookEvent.VIDEO_DELETED, DATA, video_id=video_id)


def claim(database: Database, lease_s: float = 30.0, busy: tuple[str, ...] = ()) -> ClaimedDelivery | None:
    with database.writing() as session:
        return webhooks.claim(session, lease_s, busy)


def deliveries(database: Database) -> list[WebhookDelivery]:
    with database.reading() as session:
        return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.created_at)))


def make_due(database: Database) -> None:
    with database.writing() as session:
        waiting = WebhookDelivery.next_attempt_at.is_not(None)
        session.execute(update(WebhookDelivery).where(waiting).values(next_attempt_at=now()))


def enqueue(database: Database, **fields: Any) -> Job:
    with database.writing() as session:
        video = make_video()
        session.add(video)
        session.flush()
        job = make_job(video, **fields)
        session.add(job)
    return job


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (JobState.DONE, "job.done"),
        (JobState.FAILED, "job.failed"),
        (JobState.CANCELLED, "job.cancelled"),
        (JobState.RUNNING, None),
        (JobState.QUEUED, None),
    ],
)
def test_a_job_that_ends_is_told_to_the_webhooks_that_want_it(
    database: Database, state: JobState, event: str | None
) -> None:
    add_webhook(database)
    add_webhook(database, WebhookEvent.VIDEO_DELETED)
    job = enqueue(database, state=JobState.RUNNING)
    with database.writing() as session:
        job_states.change_state(session, Job.id == job.id, state, error_code="no-frames", error_message="m")
    told = deliveries(database)
    assert [one.event for one in told] == ([event] if event else [])
    for one in told:
        assert one.payload["type"] == event
        assert one.payload["data"] == {
            "job_id": job.id,
            "video_id": job.video_id,
            "state": state.value,
            "attempts": 0,
            "error": {"code": "no-frames", "message": "m", "advice": advice_on("no-frames")},
        }


def test_a_job_of_a_rebuild_is_not_told(database: Database) -> None:
    add_webhook(database)
    with database.writing() as session:
        generation = make_generation(state=GenerationState.BUILDING)
        session.add(generation)
        session.flush()
    job = enqueue(database, state=JobState.RUNNING, generation_id=generation.id)
    with database.writing() as session:
        job_states.change_state(session, Job.id == job.id, JobState.DONE)
    assert deliveries(database) == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_webhook_that_is_deleted_while_a_job_ends_costs_the_job_nothing(database: Database) -> None:
    gone, left = add_webhook(database), add_webhook(database)
    job = enqueue(database, state=JobState.RUNNING)

    def end() -> None:
        with database.writing() as session:
            job_states.change_state(session, Job.id == job.id, JobState.DONE)

    with ThreadPoolExecutor(1) as threads:
        with database.writing() as session:
            webhooks.delete(session, gone)
            ending = threads.submit(end)
            time.sleep(0.3)  # it waits for the webhook
        ending.result(5)
    assert [one.webhook_id for one in deliveries(database)] == [left]


def test_a_transaction_that_fails_tells_nothing(database: Database) -> None:
    add_webhook(database)
    job = enqueue(database)
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        jobs.cancel(session, job.id)
        _ = 1 / 0
    assert deliveries(database) == []


def test_each_message_is_claimed_by_one_of_many(database: Database) -> None:
    add_webhook(database)
    announce(database, 12)
    with ThreadPoolExecutor(6) as threads:
        claimed = list(threads.map(lambda _: claim(database), range(24)))
    ids = [one.id for one in claimed if one is not None]
    assert (len(ids), len(set(ids))) == (12, 12)


def test_a_message_whose_lease_ran_out_is_claimed_again_and_the_former_claim_writes_nothing(
    database: Database,
) -> None:
    add_webhook(database)
    announce(database)
    first = claim(database, lease_s=0.0)
    second = claim(database)
    assert first is not None and second is not None
    assert (first.id, first.attempts, second.attempts) == (second.id, 1, 2)
    with database.writing() as session:
        assert not webhooks.record_delivered(session, first)
        assert webhooks.record_delivered(session, second)
        assert not webhooks.record_failed(session, second, "late")
    (delivery,) = deliveries(database)
    assert delivery.delivered_at is not None and delivery.next_attempt_at is None
    assert claim(database) is None


def test_a_message_is_tried_with_growing_pauses_over_a_day_and_given_up_with_the_reason(
    database: Database,
) -> None:
    add_webhook(database)
    announce(database)
    pauses_s = []
    for _ in range(len(RETRY_AFTER_S)):
        claimed = claim(database)
        assert claimed is not None
        with database.writing() as session:
            webhooks.record_failed(session, claimed, "the receiver answered 500")
        next_attempt_at = deliveries(database)[0].next_attempt_at
        assert next_attempt_at is not None
        pauses_s.append((next_attempt_at - now()).total_seconds())
        assert claim(database) is None
        make_due(database)
    assert pauses_s == sorted(pauses_s)
    assert 22 * 3600 < sum(pauses_s) < 27 * 3600
    last = claim(database)
    assert last is not None
    with database.writing() as session:
        webhooks.record_failed(session, last, "the receiver answered 503" + "!" * 1000)
    (delivery,) = deliveries(database)
    assert delivery.next_attempt_at is None and delivery.gave_up_at is not None
    assert (delivery.attempts, delivery.last_error and delivery.last_error[:25]) == (
        len(RETRY_AFTER_S) + 1,
        "the receiver answered 503",
    )
    assert claim(database) is None


def test_after_a_failure_the_receivers_other_messages_wait_too_and_those_to_others_do_not(
    database: Database,
) -> None:
    add_webhook(database)
    other = add_webhook(database)
    announce(database, 3)
    claimed = claim(database, busy=(other,))
    assert claimed is not None
    with database.writing() as session:
        webhooks.record_failed(session, claimed, "no")
    left = [one for _ in range(6) if (one := claim(database)) is not None]
    assert [one.webhook_id for one in left] == [other] * 3


def test_what_was_told_of_a_video_goes_with_it(database: Database) -> None:
    add_webhook(database)
    announce(database, 2, video_id="gone")
    announce(database, 1, video_id="kept")
    with database.writing() as session:
        assert webhooks.forget_video(session, "gone") == 2
    assert [one.video_id for one in deliveries(database)] == ["kept"]


def test_a_deleted_webhook_takes_its_messages_with_it(database: Database) -> None:
    webhook_id = add_webhook(database)
    announce(database, 2)
    with database.writing() as session:
        assert webhooks.delete(session, webhook_id)
        assert not webhooks.delete(session, webhook_id)
    assert deliveries(database) == []


def test_messages_that_have_long_been_over_are_pruned(database: Database) -> None:
    add_webhook(database)
    announce(database, 2)
    with database.writing() as session:
        long_ago = now() - timedelta(days=31)
        session.execute(update(WebhookDelivery).values(created_at=long_ago))
    claimed = claim(database)
    assert claimed is not None
    with database.writing() as session:
        webhooks.record_delivered(session, claimed)
        assert webhooks.prune(session) == 1
    assert len(deliveries(database)) == 1


def test_deleting_a_video_keeps_webhooks(database: Database) -> None:
    add_webhook(database)
    job = enqueue(database)
    with database.writing() as session:
        assert videos.delete(session, job.video_id)
        assert session.query(Webhook).count() == 1
