"""Short films of moments that play in any browser: `ROOT/ab/<sha256 of the video>/<start>-<end in ms>.mp4`.

They are made when somebody asks for one, and those that nobody has asked for for longest make room for new
ones. All can be made again.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from indexer.clip_cutting import Cutting, cutting

MAX_PREVIEW_S = 60.0
"""The longest preview: a moment, not a film."""

LONG_PX, SHORT_PX = 1280, 720
"""The largest picture of a preview; old machines play it, and a slow one makes it in about its own length."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Moment:
    """A span of the video whose file has this sha256."""

    sha256: str
    start_s: float
    end_s: float


class PreviewStore:
    """The folder of previews, whose files take about `max_bytes` at most."""

    def __init__(self, root: Path, max_bytes: int) -> None:
        """Use the folder `root`, made when the first preview is."""
        self._root, self._max_bytes = root, max_bytes

    def find(self, moment: Moment) -> Path | None:
        """Return where the preview of a moment lies, asked for just now; None before it is made."""
        path = self.path(moment)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def make(self, video: Path, moment: Moment, max_bytes: int, on_start: Callable[[Cutting], None]) -> Path:
        """Make the preview of a moment of the file at `video` and return where it lies.

        `on_start` is given what can end it from another thread. Raises the IndexingError of a video that
        cannot be cut; nothing is left then.
        """
        size_px = (LONG_PX, SHORT_PX)
        with cutting(video, moment.start_s, moment.end_s, self._root, max_bytes, size_px=size_px) as cut:
            on_start(cut)
            cut.wait()
            path = self.path(moment)
            cut.publish(path)
        self._make_room(path)
        return path

    def path(self, moment: Moment) -> Path:
        """Return where the preview of a moment lies or would lie; raises ValueError for what is no sha256."""
        if not _SHA256.fullmatch(moment.sha256):
            raise ValueError(f"sha256 {moment.sha256!r}: must be 64 lower-case hexadecimal digits")
        start_ms, end_ms = (round(second * 1000) for second in (moment.start_s, moment.end_s))
        return self._root / moment.sha256[:2] / moment.sha256 / f"{start_ms:010d}-{end_ms:010d}.mp4"

    def _make_room(self, newest: Path) -> None:
        """Delete what was asked for longest ago, but never `newest`, until the rest is not too much."""
        known = []
        for path in self._root.glob("??/*/*.mp4"):
            try:
                known.append((path.stat().st_mtime, path.stat().st_size, path))
            except FileNotFoundError:  # another process makes room too
                continue
        total_bytes = sum(size_bytes for _, size_bytes, _ in known)
        for _, size_bytes, path in sorted(known):
            if total_bytes <= self._max_bytes:
                return
            if path != newest:
                path.unlink(missing_ok=True)
                total_bytes -= size_bytes
