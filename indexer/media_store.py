"""Uploaded files, named by the sha256 of their bytes: ``media/ab/<sha256>.mp4``.

Until the catalog has recorded an upload, a marker says so: what a crash leaves between the two can be told
from what belongs to a video, also when the catalog was replaced by an older one.

A video indexed in place keeps its absolute path; nothing here ever deletes such a file.
"""

import hashlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

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
class StoredMedia:
    """An uploaded file in its place."""

    sha256: str
    path: str
    """Relative to the media folder: what ``Video.media_path`` holds for an upload."""
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
            sha256 = digest.hexdigest()
            path = f"{sha256[:2]}/{sha256}{_safe_suffix(filename)}"
            write_durably(self._marker(path), b"")
            temporary.publish(self.root / path)
        return StoredMedia(sha256=sha256, path=path, size_bytes=size_bytes)

    def adopt(self, source: Path, sha256: str, filename: str) -> StoredMedia:
        """Store the file ``source``, whose bytes are known and synced; it stays, sharing them if it can.

        Call ``keep`` once the catalog has recorded it, and delete ``source`` then. Raises OSError.
        """
        path = f"{sha256[:2]}/{sha256}{_safe_suffix(filename)}"
        self.root.mkdir(parents=True, exist_ok=True)
        write_durably(self._marker(path), b"")
        publish_again(source, self.root / path)
        return StoredMedia(sha256=sha256, path=path, size_bytes=source.stat().st_size)

    def keep(self, media_path: str) -> None:
        """Take note that the catalog has recorded an upload."""
        self._marker(media_path).unlink(missing_ok=True)

    def is_arriving(self, media_path: str) -> bool:
        """Return whether an upload of these bytes is about to be recorded, not one that crashed."""
        try:
            age_s = time.time() - self._marker(media_path).stat().st_mtime
        except FileNotFoundError:
            return False
        return age_s < RECORDED_WITHIN_S

    def unrecorded(self) -> list[str]:
        """Return the paths of uploads that were stored long ago and never kept or deleted."""
        oldest_kept = time.time() - STALE_AFTER_S
        names = [
            marker.name.removeprefix(UNRECORDED_PREFIX)
            for marker in self.root.glob(f"{UNRECORDED_PREFIX}*")
            if marker.stat().st_mtime < oldest_kept
        ]
        return [f"{name[:2]}/{name}" for name in names if STORED_NAME.fullmatch(name)]

    def locate(self, media_path: str) -> Path:
        """Return where the file of ``Video.media_path`` lies, whether uploaded or indexed in place."""
        return self.root / media_path  # an absolute path on the right wins

    def delete(self, media_path: str) -> bool:
        """Delete an upload and return whether it was there; raises ValueError for a path that is not ours."""
        relative = PurePosixPath(media_path)
        if relative.is_absolute() or ".." in relative.parts:
            raise ValueError(f"{media_path!r} is not in the media folder: only uploads may be deleted")
        path = self.root / relative
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        finally:
            self.keep(media_path)  # there is nothing left to tell apart
        return True

    def sweep(self) -> int:
        """Delete what dead uploads left half-written and return how many files that were."""
        return sweep_temporary_files(self.root)

    def _marker(self, media_path: str) -> Path:
        return self.root / f"{UNRECORDED_PREFIX}{PurePosixPath(media_path).name}"


def _safe_suffix(filename: str) -> str:
    """Return the suffix for a stored file: only letters and digits ever come from outside."""
    suffix = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    return suffix if SAFE_SUFFIX.fullmatch(suffix) else ""
