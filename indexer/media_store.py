"""Uploaded files, named by the sha256 of their bytes: ``media/ab/<sha256>.mp4``.

Until the catalog has recorded an upload, a marker of its own says so (``.unrecorded-ID-<sha256>.mp4``): what
a crash leaves between the two can be told from what belongs to a video, also when the catalog was replaced by
an older one; and a deletion of the same video leaves the bytes to whoever is about to record them.

A video indexed in place keeps its absolute path; nothing here ever deletes such a file.
"""

import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from uuid import uuid4

from indexer.errors import EmptyUpload, UploadTooLarge
from model.durable_file import (
    STALE_AFTER_S,
    publish_again,
    sweep_temporary_files,
    temporary_file,
    write_durably,
)

UNRECORDED_PREFIX = ".unrecorded-"

RECORDED_WITHIN_S = 120
"""Longer than it takes from storing an upload to recording it, also in a busy database."""

SAFE_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
STORED_NAME = re.compile(rf"[0-9a-f]{{64}}({SAFE_SUFFIX.pattern})?")


@dataclass(frozen=True)
class Arrival:
    """An uploaded file in its place, which the catalog may not have recorded."""

    path: str
    """Relative to the media folder: what ``Video.media_path`` holds for an upload."""
    marker: Path = field(compare=False)
    """Says so; of this upload alone, as others of the same bytes may come and go."""


@dataclass(frozen=True)
class StoredMedia(Arrival):
    """An uploaded file that has just come."""

    sha256: str
    size_bytes: int


class MediaStore:
    """The folder of uploaded files."""

    def __init__(self, root: Path) -> None:
        """Keep files under ``root``, which is made when the first one arrives."""
        self.root = root

    def save(self, chunks: Iterable[bytes], filename: str, max_bytes: int) -> StoredMedia:
        """Store a file while it arrives; raises UploadTooLarge or EmptyUpload and leaves nothing then.

        Call ``keep`` once the catalog has recorded it.
        """
        digest = hashlib.sha256()
        size_bytes = 0
        with temporary_file(self.root) as temporary:
            for chunk in chunks:
                size_bytes += len(chunk)
                if size_bytes > max_bytes:
                    raise UploadTooLarge(
                        f"{filename!r} has more than the {max_bytes} bytes allowed: "
                        "send a smaller file, or raise the limit in the settings"
                    )
                digest.update(chunk)
                temporary.stream.write(chunk)
            if size_bytes == 0:
                raise EmptyUpload(f"{filename!r} is empty: send a file with at least one byte")
            stored = self._announce(digest.hexdigest(), filename, size_bytes)
            temporary.publish(self.root / stored.path)
        return stored

    def adopt(self, source: Path, sha256: str, filename: str) -> StoredMedia:
        """Store the file ``source``, whose bytes are known and synced; it stays, sharing them if it can.

        Call ``keep`` once the catalog has recorded it, and delete ``source`` then. Raises OSError.
        """
        stored = self._announce(sha256, filename, source.stat().st_size)
        publish_again(source, self.root / stored.path, self.root)
        return stored

    def keep(self, arrival: Arrival) -> None:
        """Take note that the catalog has recorded an upload."""
        arrival.marker.unlink(missing_ok=True)

    def discard(self, arrival: Arrival) -> bool:
        """Delete an upload that is not recorded, unless others bring its bytes; return whether it did."""
        self.keep(arrival)
        return not self.is_arriving(arrival.path) and self.delete(arrival.path)

    def is_arriving(self, media_path: str) -> bool:
        """Return whether an upload of these bytes is about to be recorded, not one that crashed."""
        found = self._arrivals()
        return any(one.path == media_path and age_s < RECORDED_WITHIN_S for one, age_s in found)

    def unrecorded(self) -> list[Arrival]:
        """Return the uploads that were stored long ago and never kept or discarded."""
        return [one for one, age_s in self._arrivals() if age_s > STALE_AFTER_S]

    def marked_paths(self) -> set[str]:
        """Return the paths of uploads that may not be recorded."""
        return {one.path for one, _ in self._arrivals()}

    def locate(self, media_path: str) -> Path:
        """Return where the file of ``Video.media_path`` lies, whether uploaded or indexed in place."""
        return self.root / media_path  # an absolute path on the right wins

    def delete(self, media_path: str) -> bool:
        """Delete an upload and return whether it was there; raises ValueError for a path that is not ours."""
        relative = PurePosixPath(media_path)
        if relative.is_absolute() or ".." in relative.parts:
            raise ValueError(f"{media_path!r} is not in the media folder: only uploads may be deleted")
        try:
            (self.root / relative).unlink()
        except FileNotFoundError:
            return False
        return True

    def sweep(self) -> int:
        """Delete what dead uploads left half-written and return how many files that were."""
        return sweep_temporary_files(self.root)

    def _announce(self, sha256: str, filename: str, size_bytes: int) -> StoredMedia:
        """Return where a file goes, with its marker written: before it, so that nobody misses it."""
        name = f"{sha256}{_safe_suffix(filename)}"
        marker = self.root / f"{UNRECORDED_PREFIX}{uuid4().hex}-{name}"
        write_durably(marker, b"")
        return StoredMedia(f"{name[:2]}/{name}", marker, sha256, size_bytes)

    def _arrivals(self) -> Iterator[tuple[Arrival, float]]:
        """Yield the uploads that may not be recorded, and how many seconds ago each came."""
        for marker in self.root.glob(f"{UNRECORDED_PREFIX}*"):
            name = marker.name.removeprefix(UNRECORDED_PREFIX).rpartition("-")[2]
            try:
                age_s = time.time() - marker.stat().st_mtime
            except FileNotFoundError:  # recorded in this moment
                continue
            if STORED_NAME.fullmatch(name):
                yield Arrival(f"{name[:2]}/{name}", marker), age_s


def _safe_suffix(filename: str) -> str:
    """Return the suffix for a stored file: only letters and digits ever come from outside."""
    suffix = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    return suffix if SAFE_SUFFIX.fullmatch(suffix) else ""
