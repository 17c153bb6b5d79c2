"""What the HTTP interface says of webhooks and takes for them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.schemas import PageInfo
from indexer.catalog.client_tables import Webhook, WebhookDelivery
from indexer.catalog.webhooks import WebhookEvent

ALL_EVENTS = tuple(WebhookEvent)


class NewWebhook(BaseModel):
    """An address to tell of events."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(description="Where messages are POSTed: http or https, on the public internet")]
    events: Annotated[
        list[WebhookEvent], Field(min_length=1, description="What to tell; all there is when left out")
    ] = list(ALL_EVENTS)


class WebhookDetails(BaseModel):
    """A webhook."""

    id: str
    url: str
    events: list[str]
    created_at: datetime


class AddedWebhook(WebhookDetails):
    """A webhook that was just added."""

    secret: str = Field(
        description="What its messages are signed with (Standard Webhooks); shown this once, so keep it"
    )


class WebhookList(BaseModel):
    """All webhooks, the oldest first."""

    data: list[WebhookDetails]


class DeliveryDetails(BaseModel):
    """A message to a webhook."""

    id: str = Field(description="Also its `webhook-id`, the same in every try: receivers know repeats by it")
    event: str
    state: Literal["waiting", "delivered", "given-up"]
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="Null when it is over")
    delivered_at: datetime | None
    gave_up_at: datetime | None
    last_error: str | None = Field(description="Why the last try failed")
    payload: dict[str, object]


class DeliveryList(BaseModel):
    """A page of messages, newest first."""

    data: list[DeliveryDetails]
    page_info: PageInfo


def describe_webhook(webhook: Webhook) -> WebhookDetails:
    """Return what may be shown of a webhook: not its secret."""
    return WebhookDetails(
        id=webhook.id, url=webhook.url, events=webhook.events, created_at=webhook.created_at
    )


def describe_delivery(delivery: WebhookDelivery) -> DeliveryDetails:
    """Return what became of a message."""
    is_over = delivery.next_attempt_at is None
    return DeliveryDetails(
        id=delivery.id,
        event=delivery.event,
        state=("given-up" if delivery.gave_up_at else "delivered") if is_over else "waiting",
        attempts=delivery.attempts,
        created_at=delivery.created_at,
        next_attempt_at=delivery.next_attempt_at,
        delivered_at=delivery.delivered_at,
        gave_up_at=delivery.gave_up_at,
        last_error=delivery.last_error,
        payload=delivery.payload,
    )
