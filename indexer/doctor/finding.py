"""What the doctor finds: what is wrong with what, and what mends it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class FindingCode(StrEnum):
    """Kinds of drift; the values are stable."""

    DATABASE_DAMAGED = "database-damaged"
    WORDS_DAMAGED = "words-index-damaged"
    REVISION_BEHIND = "revision-behind"
    VECTORS_DAMAGED = "vectors-damaged"
    CLIPS_MISSING = "clips-missing"
    MEDIA_MISSING = "media-missing"
    MEDIA_DAMAGED = "media-damaged"
    MEDIA_ORPHANED = "media-orphaned"
    THUMBNAILS_MISSING = "thumbnails-missing"
    THUMBNAIL_ORPHANED = "thumbnail-orphaned"
    PREVIEW_ORPHANED = "preview-orphaned"
    SNAPSHOT_UNUSABLE = "snapshot-unusable"
    SNAPSHOT_DIFFERS = "snapshot-differs"
    JOB_STUCK = "job-stuck"
    VIDEO_WITHOUT_JOB = "video-without-job"
    UPLOAD_EXPIRED = "upload-expired"
    UPLOAD_ORPHANED = "upload-orphaned"
    UPLOAD_UNRECORDED = "upload-unrecorded"
    DELETION_CUT_OFF = "deletion-cut-off"
    LEFTOVER = "leftover"


Mend = Callable[[], str | None]
"""Puts one thing right and returns what was done; None when it is right by now."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    code: FindingCode
    subject: str
    """A path, or the id of a row."""
    message: str
    advice: str
    """What a person can do about it; with ``mend``, what that will do."""
    mend: Mend | None = None
    """None when the doctor cannot put it right."""


@dataclass(frozen=True)
class Result:
    """A finding, and what was done about it."""

    finding: Finding
    done: str | None = None

    @property
    def is_mended(self) -> bool:
        """Return whether nothing is left to do."""
        return self.done is not None

    def to_json(self) -> dict[str, object]:
        """Return it as the JSON of ``reelseek doctor --json`` has it."""
        return {
            "code": self.finding.code.value,
            "subject": self.finding.subject,
            "message": self.finding.message,
            "is_mended": self.is_mended,
            "done": self.done,
            "advice": None if self.is_mended else self.finding.advice,
        }
