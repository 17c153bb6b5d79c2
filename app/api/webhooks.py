"""``/webhooks``: addresses that are told, with signed messages, when jobs end and videos are deleted."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.requests import ClientDisconnect

from app.api.identifiers import Identifier
from app.api.json_body import read_json
from app.api.search_body import whole_body
from app.calendar_time import CalendarTime
from app.dependencies import ServicesDependency
from app.errors import InvalidCursor, UploadStalled
from app.hook_errors import TargetRefused, TooManyWebhooks, UnknownWebhook
from app.opaque_cursor import WAY_OUT, Cursor, decode_cursor, page_info
from app.problem_responses import problem_docs
from app.webhook_details import (
    AddedWebhook,
    DeliveryDetails,
    DeliveryList,
    NewWebhook,
    WebhookDetails,
    WebhookList,
    describe_delivery,
    describe_webhook,
)
from app.webhooks.signing import new_secret
from app.webhooks.target import parse_target
from indexer.catalog import webhooks
from indexer.errors import UploadTooLarge

router = APIRouter(tags=["webhooks"])

MAX_PAGE = 200

MAX_WEBHOOKS = 50
"""Each is a row to write whenever a job ends."""


class DeliveryCursor(Cursor):
    """The last message of a page."""

    created_at: CalendarTime
    delivery_id: str = Field(pattern="^[0-9a-f]{32}$")
    webhook_id: str


@router.post(
    "/webhooks",
    status_code=201,
    summary="Add a webhook",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewWebhook"}}},
        }
    },
    responses=problem_docs(
        ClientDisconnect,
        UploadStalled,
        UploadTooLarge,
        RequestValidationError,
        TargetRefused,
        TooManyWebhooks,
    ),
)
def add_webhook(services: ServicesDependency, body: Annotated[bytes, Depends(whole_body)]) -> AddedWebhook:
    """Tell an address of events from now on; the answer holds the secret that messages are signed with."""
    new = read_json(NewWebhook, body)
    parse_target(new.url, services.settings.webhook_private_networks)
    secret = new_secret()
    with services.library.database.writing() as session:
        if len(webhooks.list_all(session)) >= MAX_WEBHOOKS:
            raise TooManyWebhooks(f"there are {MAX_WEBHOOKS} webhooks, which is all: delete one first")
        webhook = webhooks.add(session, new.url, secret, list(dict.fromkeys(new.events)))
    return AddedWebhook(**describe_webhook(webhook).model_dump(), secret=secret)


@router.get("/webhooks", summary="List webhooks", responses=problem_docs())
def list_webhooks(services: ServicesDependency) -> WebhookList:
    """Return every webhook, without its secret."""
    with services.library.database.reading() as session:
        return WebhookList(data=[describe_webhook(one) for one in webhooks.list_all(session)])


@router.get("/webhooks/{webhook_id}", summary="Read a webhook", responses=problem_docs(UnknownWebhook))
def read_webhook(services: ServicesDependency, webhook_id: Identifier) -> WebhookDetails:
    """Return one webhook, without its secret."""
    with services.library.database.reading() as session:
        webhook = webhooks.get(session, webhook_id)
    if webhook is None:
        raise UnknownWebhook(webhook_id)
    return describe_webhook(webhook)


@router.delete(
    "/webhooks/{webhook_id}",
    status_code=204,
    summary="Delete a webhook",
    responses=problem_docs(UnknownWebhook),
)
def delete_webhook(services: ServicesDependency, webhook_id: Identifier) -> None:
    """Tell it nothing more, not even what waits to be sent; repeated, it answers 404."""
    with services.library.database.writing() as session:
        if not webhooks.delete(session, webhook_id):
            raise UnknownWebhook(webhook_id)


@router.post(
    "/webhooks/{webhook_id}/test",
    status_code=202,
    summary="Send a test message",
    responses=problem_docs(UnknownWebhook),
)
def send_test_message(services: ServicesDependency, webhook_id: Identifier) -> DeliveryDetails:
    """Send `webhook.test` at once; the list of deliveries tells what became of it."""
    with services.library.database.writing() as session:
        if webhooks.get(session, webhook_id) is None:
            raise UnknownWebhook(webhook_id)
        delivery = webhooks.announce_test(session, webhook_id)
    services.deliverer.wake()
    return describe_delivery(delivery)


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    summary="List a webhook's messages",
    responses=problem_docs(UnknownWebhook, InvalidCursor, RequestValidationError),
)
def list_deliveries(
    services: ServicesDependency,
    webhook_id: Identifier,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most messages on a page")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
) -> DeliveryList:
    """Return what was sent in the last month and what waits, newest first, and why tries failed."""
    place = decode_cursor(cursor, DeliveryCursor) if cursor is not None else None
    if place is not None and place.webhook_id != webhook_id:
        raise InvalidCursor(f"cursor {str(cursor)[:100]!r} is of another webhook's list: {WAY_OUT}")
    after = (place.created_at, place.delivery_id) if place else None
    with services.library.database.reading() as session:
        if webhooks.get(session, webhook_id) is None:
            raise UnknownWebhook(webhook_id)
        found = webhooks.list_deliveries(session, webhook_id, limit=limit + 1, after=after)
    return DeliveryList(
        data=[describe_delivery(one) for one in found[:limit]],
        page_info=page_info(
            found,
            limit,
            lambda one: DeliveryCursor(created_at=one.created_at, delivery_id=one.id, webhook_id=webhook_id),
        ),
    )
