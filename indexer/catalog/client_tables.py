"""The catalog's tables of what clients of the service began, asked to be told, or had deleted."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.catalog.columns import UtcDateTime, new_id, now
from indexer.catalog.tables import Base


class Upload(Base):
    """A resumable upload (tus 1.0); as many of its bytes have arrived as ``HOME/uploads/ID`` has."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    length_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Of the whole file; None while the client defers to tell."""
    filename: Mapped[str] = mapped_column(Text)
    fields: Mapped[dict[str, object]] = mapped_column(JSON, default=dict)
    """What the client said of the video: its ``upload_metadata``, as it was sent."""
    checked_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """While a piece with a checksum arrives: how many bytes there were before, which are all that count."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    video_id: Mapped[str | None] = mapped_column(String(32))
    """Set once the whole file was accepted."""
    job_id: Mapped[str | None] = mapped_column(String(32))


class IdempotencyKey(Base):
    """What a request with an ``Idempotency-Key`` led to, for when it is sent again."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    video_id: Mapped[str] = mapped_column(String(32))
    job_id: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class Webhook(Base):
    """An address that is told of events, with signed messages."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    url: Mapped[str] = mapped_column(Text)
    secret: Mapped[str] = mapped_column(Text)
    events: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class WebhookDelivery(Base):
    """One message to one webhook, written in the transaction that it tells of and sent afterwards."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (Index(None, "next_attempt_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"), index=True)
    event: Mapped[str] = mapped_column(String(50))
    video_id: Mapped[str | None] = mapped_column(String(32), index=True)
    """What it tells of, if anything: what was told of a video goes with it."""
    payload: Mapped[dict[str, object]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=now)
    """None once it was delivered or given up."""
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    gave_up_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)


class Deletion(Base):
    """That a video was deleted, and the receipt: the same when it is asked for again."""

    __tablename__ = "deletions"

    video_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    receipt: Mapped[dict[str, object]] = mapped_column(JSON)
    deleted_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class RecentQuery(Base):
    """Words that were searched for lately: what two generations are compared by."""

    __tablename__ = "recent_queries"

    query_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The same for the same words, as ``Judgement.query_key``."""
    text: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
