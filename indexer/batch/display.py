"""What a person sees while a batch runs: one bar while files are read, one while they are indexed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

SECONDS_PER_HOUR = 3600
SHOWN_NAME_CHARACTERS = 30


def printable(text: str) -> str:
    """Return ``text`` with control characters and undecodable bytes escaped: no name may drive a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class BatchDisplay:
    """The progress bars of a batch, on ``console``."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def reading(self, total_bytes: int) -> Iterator[Callable[[int], None]]:
        """Show a bar of ``total_bytes`` while the block runs; yields what must hear of each chunk read."""
        columns = (TextColumn("Reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with self._progress(*columns) as progress:
            task = progress.add_task("", total=total_bytes)
            yield lambda count: progress.advance(task, count)

    @contextmanager
    def indexing(self, files: int, total_bytes: int) -> Iterator["IndexingBar"]:
        """Show a bar over ``files`` of ``total_bytes`` together while the block runs."""
        columns = (_Name(), BarColumn(), _Figures(), TextColumn("ETA"), TimeRemainingColumn())
        with self._progress(*columns) as progress:
            yield IndexingBar(progress, files, total_bytes)

    def _progress(self, *columns: ProgressColumn) -> Progress:
        """Return a bar that leaves nothing behind, and is not drawn at all into a file or a pipe."""
        is_watched = self.console.is_terminal
        return Progress(*columns, console=self.console, transient=True, disable=not is_watched)


class IndexingBar:
    """The bar while videos are indexed: it grows with bytes, because hours are known only afterwards."""

    def __init__(self, progress: Progress, files: int, total_bytes: int) -> None:
        self._progress, self._files, self._total_bytes = progress, files, total_bytes
        self._started = monotonic()
        self._done_files, self._done_bytes, self._done_s = 0, 0, 0.0
        self._task = progress.add_task("", total=total_bytes, figures="", filename="")
        self._show(0.0, 0.0)

    def working_on(self, filename: str, done_bytes: float, done_s: float) -> None:
        """Show how many bytes and seconds of the current video are done."""
        self._progress.update(self._task, filename=filename)
        self._show(done_bytes, done_s)

    def finished(self, size_bytes: int, duration_s: float) -> None:
        """Count a file as done, with the seconds of video that were indexed here."""
        self._done_files += 1
        self._done_bytes += size_bytes
        self._done_s += duration_s
        self._show(0.0, 0.0)

    def left(self, files: int, size_bytes: int) -> None:
        """Count as done all that is not left, whoever did it; more may have come."""
        self._files = max(self._files, files)
        self._total_bytes = max(self._total_bytes, size_bytes)
        self._done_files, self._done_bytes = self._files - files, self._total_bytes - size_bytes
        self._progress.update(self._task, total=self._total_bytes)
        self._show(0.0, 0.0)

    def _show(self, current_bytes: float, current_s: float) -> None:
        video_s = self._done_s + current_s
        files, hours = f"{self._done_files}/{self._files} files", video_s / SECONDS_PER_HOUR
        speed = video_s / max(monotonic() - self._started, 1e-3)
        figures = f"{files}, {hours:.2f} h, {speed:.1f}× real time"
        self._progress.update(self._task, completed=self._done_bytes + current_bytes, figures=figures)


class _Name(ProgressColumn):
    """The file being indexed, shortened, never read as markup."""

    def render(self, task: Task) -> Text:
        """Return the name as plain text."""
        name = printable(task.fields["filename"])
        shown = name if len(name) <= SHOWN_NAME_CHARACTERS else f"…{name[1 - SHOWN_NAME_CHARACTERS :]}"
        return Text(f"Indexing {shown}")


class _Figures(ProgressColumn):
    """Files, hours of video and speed."""

    def render(self, task: Task) -> Text:
        """Return the figures as plain text."""
        return Text(task.fields["figures"])
