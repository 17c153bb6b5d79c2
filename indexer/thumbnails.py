"""Where the clips' thumbnails lie: `ROOT/ab/<sha256 of the video>/<start in ms>.jpg`.

The key is what the catalog stores; it is checked before it becomes a path.
"""

import re
import shutil
from pathlib import Path

from model.durable_file import write_durably

_KEY = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})/[0-9]{10}\.jpg")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def thumbnail_key(sha256: str, start_s: float) -> str:
    """Return the key of the thumbnail of the clip that begins at `start_s` in the video of that sha256."""
    _require_sha256(sha256)
    return f"{sha256[:2]}/{sha256}/{round(start_s * 1000):010d}.jpg"


class ThumbnailStore:
    """A folder of JPEG files, one for each clip, in a folder for each video."""

    def __init__(self, root: Path) -> None:
        """Use the folder `root`, made when the first thumbnail is written."""
        self.root = root

    def write(self, key: str, jpeg: bytes) -> None:
        """Write or replace a thumbnail, whole or not at all; raises ValueError for a key that is none."""
        write_durably(self.path(key), jpeg)

    def path(self, key: str) -> Path:
        """Return where the thumbnail of `key` lies or would lie; raises ValueError for a key that is none."""
        if not _KEY.fullmatch(key):
            raise ValueError(f"thumbnail key {key!r}: must be made by thumbnail_key()")
        return self.root / key

    def delete_video(self, sha256: str) -> int:
        """Delete all thumbnails of a video and return how many there were."""
        _require_sha256(sha256)
        folder = self.root / sha256[:2] / sha256
        count = sum(1 for _ in folder.glob("*.jpg"))
        shutil.rmtree(folder, ignore_errors=True)
        return count


def _require_sha256(sha256: str) -> None:
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"sha256 {sha256!r}: must be 64 lower-case hexadecimal digits")
