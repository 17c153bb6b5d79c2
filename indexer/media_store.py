"""Uploaded files, named by the sha256 of their bytes: ``media/ab/<sha256>.mp4``.

A video indexed in place keeps its absolute path; nothing here ever deletes such a file.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from indexer.durable_file import sweep_temporary_files, temporary_file
from indexer.errors import EmptyUpload, UploadTooLarge

SAFE_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")


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
        """Store a file while it arrives; raises UploadTooLarge or EmptyUpload and leaves nothing then."""
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
            temporary.publish(self.root / path)
        return StoredMedia(sha256=sha256, path=path, size_bytes=size_bytes)

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
        return True

    def sweep(self) -> int:
        """Delete what dead uploads left half-written and return how many files that were."""
        return sweep_temporary_files(self.root)


def _safe_suffix(filename: str) -> str:
    """Return the suffix for a stored file: only letters and digits ever come from outside."""
    suffix = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    return suffix if SAFE_SUFFIX.fullmatch(suffix) else ""
