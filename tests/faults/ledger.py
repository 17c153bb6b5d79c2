"""What clients were promised, and what they do not know because the answer never came."""

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Promise(StrEnum):
    """What the service has said of some bytes."""

    NOTHING = "nothing"  # sent, and no answer came: there or not
    ACCEPTED = "accepted"
    DELETING = "deleting"  # asked to delete, and no answer came: there, whole, or not
    DELETED = "deleted"


@dataclass
class Entry:
    """One film that was sent."""

    clips: int | None
    promise: Promise = Promise.NOTHING
    video_id: str | None = None


@dataclass
class HalfUpload:
    """A resumable upload that is to go on."""

    path: str
    content: bytes


@dataclass
class Ledger:
    """All films by sha256; any thread may write."""

    entries: dict[str, Entry] = field(default_factory=dict)
    half_uploads: list[HalfUpload] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    wrong_hits: list[str] = field(default_factory=list)
    """Deleted videos that a search returned afterwards."""
    refusals: list[str] = field(default_factory=list)
    """Answers that were not the expected ones."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sending(self, content: bytes, clips: int | None) -> str:
        """Note that some bytes are sent, and return their sha256."""
        sha256 = hashlib.sha256(content).hexdigest()
        with self._lock:
            self.entries.setdefault(sha256, Entry(clips))
        return sha256

    def accepted(self, sha256: str, video_id: str | None) -> None:
        """Note a promise."""
        with self._lock:
            entry = self.entries[sha256]
            entry.promise, entry.video_id = Promise.ACCEPTED, video_id
            self.answers["accepted"] += 1

    def begin_deletion(self, number: float) -> tuple[str, str] | None:
        """Return (sha256, video id) of an accepted film, from now on in doubt; None when there is none."""
        with self._lock:
            known = [
                (sha256, entry)
                for sha256, entry in self.entries.items()
                if entry.promise is Promise.ACCEPTED and entry.video_id
            ]
            if not known:
                return None
            sha256, entry = known[int(number * len(known))]
            entry.promise = Promise.DELETING
            return sha256, entry.video_id or ""

    def deleted(self, sha256: str) -> None:
        """Note a receipt."""
        with self._lock:
            self.entries[sha256].promise = Promise.DELETED
            self.answers["deleted"] += 1

    def deleted_ids(self) -> set[str]:
        """Return the ids of videos whose deletion was answered."""
        with self._lock:
            return {
                entry.video_id
                for entry in self.entries.values()
                if entry.promise is Promise.DELETED and entry.video_id
            }

    def settle(self, present: dict[str, str]) -> None:
        """Note, of all that is in doubt, what there is: (sha256 → video id)."""
        with self._lock:
            for sha256, entry in self.entries.items():
                if entry.promise in {Promise.NOTHING, Promise.DELETING}:
                    entry.promise = Promise.ACCEPTED if sha256 in present else Promise.DELETED
                if entry.promise is Promise.ACCEPTED:
                    entry.video_id = present.get(sha256)
