"""``Idempotency-Key``: a request that is sent again, as its answer was lost, is answered as the first one.

The key is written in the transaction that accepts the file: there is none of a request that led to nothing.
"""

import hashlib
import json
import re
from datetime import timedelta

from sqlalchemy.orm import Session

from app.errors import UploadConflict
from app.upload_errors import IdempotencyKeyReused
from app.uploading.acceptance import Accept, AcceptedVideo, Around, ReceivedFile
from app.uploading.fields import invalid_header
from indexer.catalog.client_tables import IdempotencyKey
from indexer.catalog.tables import Job, Video

HEADER = "Idempotency-Key"

KEPT_FOR = timedelta(hours=24)
"""How long a key is known: longer than any client tries again."""

KEY = re.compile(r"[!-~]{1,255}")


def require_key(key: str | None) -> str | None:
    """Return the key; raises RequestValidationError for one that is none."""
    if key is None or KEY.fullmatch(key):
        return key
    raise invalid_header(HEADER, "not_a_key", "send 1 to 255 visible ASCII characters, as a UUID", key)


def under_key(key: str | None, received: ReceivedFile) -> Around | None:
    """Return what accepts a file once for a key; without a key, None.

    It raises IdempotencyKeyReused when the key came with another file or other fields, and UploadConflict
    when the video it led to has been deleted.
    """
    if key is None:
        return None

    def once(session: Session, accept: Accept) -> AcceptedVideo:
        digest = _digest(received)
        known = session.get(IdempotencyKey, key)
        if known is not None:
            return _repeated(session, known, digest)
        accepted = accept(session)
        session.add(
            IdempotencyKey(key=key, request_digest=digest, video_id=accepted.video.id, job_id=accepted.job.id)
        )
        session.flush()
        return accepted

    return once


def _repeated(session: Session, known: IdempotencyKey, digest: str) -> AcceptedVideo:
    if known.request_digest != digest:
        raise IdempotencyKeyReused(
            f"{HEADER} {known.key!r} came before with another file or other fields: take a new key for each "
            "upload"
        )
    video, job = session.get(Video, known.video_id), session.get(Job, known.job_id)
    if video is None or job is None:
        raise UploadConflict(
            f"the video that {HEADER} {known.key!r} led to was deleted: take a new key to add it again"
        )
    return AcceptedVideo(video, job, is_new=False)


def _digest(received: ReceivedFile) -> str:
    """Return the same for the same file and fields."""
    said = received.fields.model_dump(mode="json")
    spoken = repr(received.subtitles)
    text = json.dumps([received.stored.sha256, received.filename, said, spoken], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
