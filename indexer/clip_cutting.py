"""A span of a video as a file of its own, written by the decoding child: the parent never opens the video."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.decoding.plans import CutPlan
from indexer.decoding.sandbox import Decoding
from model.durable_file import TemporaryFile, sweep_temporary_files, temporary_file

MAX_CUT_S = 600.0
"""The longest cut: a moment with room around it, not a film."""

MAX_CUT_BYTES = 4 * 1024**3
"""More than ten minutes of 4K take at this quality."""

CUT_SIZE_PX = (3840, 2160)
"""Long and short side of the largest picture that hardware decoders of H.264 take."""


@contextmanager
def cutting(
    path: Path,
    start_s: float,
    end_s: float,
    folder: Path,
    max_bytes: int = MAX_CUT_BYTES,
    *,
    size_px: tuple[int, int] = CUT_SIZE_PX,
) -> Iterator["Cutting"]:
    """Start cutting the file at the absolute `path`, from second `start_s` to `end_s`, to a file in `folder`.

    A picture larger than `size_px` (long side, short side) is scaled down. Child and file are gone at the
    end, unless the file was published. Raises ValueError for a span that is none or longer than MAX_CUT_S.
    """
    if not 0 <= start_s < end_s <= start_s + MAX_CUT_S:
        raise ValueError(
            f"a cut from {start_s} to {end_s} s: it may be over 0 and up to {MAX_CUT_S:g} s long"
        )
    sweep_temporary_files(folder)
    with temporary_file(folder) as temporary:
        target = temporary.path.absolute()
        plan = CutPlan(str(target), start_s, end_s, max_bytes, *size_px)
        with Decoding(path, plan) as messages:
            yield Cutting(messages, temporary)


class Cutting:
    """A cut that is being made."""

    def __init__(self, messages: Decoding, target: TemporaryFile) -> None:
        """Take the child and the file that it writes."""
        self._messages, self._target = messages, target

    def wait(self) -> Path:
        """Return the finished mp4; raises the IndexingError of a video that cannot be cut, or dead child."""
        for _ in self._messages:
            pass
        return self._target.path

    def publish(self, path: Path) -> None:
        """Make the finished mp4 appear at `path`, on the same file system, for good."""
        self._target.publish(path)

    def stop(self) -> None:
        """End the child, which makes a `wait` in another thread raise; calling again does nothing."""
        self._messages.kill()
