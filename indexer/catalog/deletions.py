"""What is counted and forgotten with a video, and the receipts of deletions. Functions never commit."""

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, func, select
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm import Session

from indexer.catalog import webhooks
from indexer.catalog.client_tables import Deletion, IdempotencyKey, Upload
from indexer.catalog.columns import now
from indexer.catalog.states import EmbeddingKind
from indexer.catalog.tables import Clip, Cue, Embedding, Job, Judgement, Tombstone

WATCHED_DAYS = 7
"""For how long leftovers of a deleted video are looked for when a library is opened."""


def count_rows(session: Session, video_id: str) -> dict[str, int]:
    """Return how many rows of each kind a video has, itself included."""
    of_clips = select(func.count(Embedding.id)).join(Clip).where(Clip.video_id == video_id)
    counts = {"videos": 1, "embeddings": session.scalar(of_clips) or 0}
    for name, table in (("clips", Clip), ("cues", Cue), ("judgements", Judgement), ("jobs", Job)):
        of_video = select(func.count()).select_from(table).where(table.video_id == video_id)
        counts[name] = session.scalar(of_video) or 0
    return counts


def generations_of(session: Session, video_id: str) -> list[int]:
    """Return the generations that have a clip vector of a video: those whose snapshots may hold it."""
    of_video = Clip.video_id == video_id, Embedding.kind == EmbeddingKind.CLIP
    return list(session.scalars(select(Embedding.generation_id).join(Clip).where(*of_video).distinct()))


def is_any_since(session: Session, generation_id: int, revision: int) -> bool:
    """Return whether a clip vector of a generation was deleted after ``revision``."""
    later = Tombstone.generation_id == generation_id, Tombstone.revision > revision
    return session.scalar(select(Tombstone.embedding_id).where(*later).limit(1)) is not None


def uploads_of(session: Session, video_id: str) -> list[str]:
    """Return the ids of the resumable uploads that became a video."""
    return list(session.scalars(select(Upload.id).where(Upload.video_id == video_id)))


def forget_requests(session: Session, video_id: str) -> dict[str, int]:
    """Delete what clients began for a video or were told of it, and return how many rows of each kind."""
    counts = {"deliveries": webhooks.forget_video(session, video_id)}
    for name, table in (("uploads", Upload), ("idempotency_keys", IdempotencyKey)):
        deleted = session.execute(delete_rows(table).where(table.video_id == video_id))
        counts[name] = deleted.rowcount if isinstance(deleted, CursorResult) else 0
    return counts


def record(session: Session, video_id: str, receipt: dict[str, object], deleted_at: datetime) -> None:
    """Keep the receipt of a deletion."""
    session.add(Deletion(video_id=video_id, receipt=receipt, deleted_at=deleted_at))


def receipt_of(session: Session, video_id: str) -> dict[str, object] | None:
    """Return the receipt of a video that was deleted; None for one that never was."""
    return session.scalar(select(Deletion.receipt).where(Deletion.video_id == video_id))


def recent_receipts(session: Session) -> list[dict[str, object]]:
    """Return the receipts of the last WATCHED_DAYS."""
    since = now() - timedelta(days=WATCHED_DAYS)
    return list(session.scalars(select(Deletion.receipt).where(Deletion.deleted_at > since)))
