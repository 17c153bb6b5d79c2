"""Resumable uploads, and keys of requests that may be sent again. Functions take a session, never commit."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete as delete_rows
from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.catalog.client_tables import IdempotencyKey, Upload
from indexer.catalog.columns import now


def get(session: Session, upload_id: str) -> Upload | None:
    """Return an upload, or None."""
    return session.get(Upload, upload_id)


def unfinished(session: Session) -> Sequence[Upload]:
    """Return the uploads that have not been accepted and may still go on."""
    return session.scalars(select(Upload).where(Upload.job_id.is_(None), Upload.expires_at > now())).all()


def unfinished_among(session: Session, upload_ids: Sequence[str]) -> set[str]:
    """Return which of ``upload_ids`` are uploads that have not been accepted."""
    rows = session.scalars(select(Upload.id).where(Upload.job_id.is_(None)))
    return set(rows).intersection(upload_ids)


def delete(session: Session, upload_id: str) -> None:
    """Forget an upload; its file is the caller's."""
    session.execute(delete_rows(Upload).where(Upload.id == upload_id))


def expired(session: Session) -> Sequence[str]:
    """Return the ids of uploads, finished or not, whose time is over."""
    return session.scalars(select(Upload.id).where(Upload.expires_at <= now())).all()


def delete_keys_before(session: Session, moment: datetime) -> None:
    """Forget the keys of requests that were sent before ``moment``."""
    session.execute(delete_rows(IdempotencyKey).where(IdempotencyKey.created_at < moment))
