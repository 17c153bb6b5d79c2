"""What a batch or its dry run says at the end: figures, and every refused file with the reason."""

from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console

from indexer.batch.display import SECONDS_PER_HOUR, printable
from indexer.batch.dry_run import ASSUMED_SPEED, Survey
from indexer.batch.run import BatchResult
from indexer.folders.intake import Refusal

BYTES_PER_GB = 1e9
SECONDS_PER_MINUTE = 60


def show_result(console: Console, result: BatchResult) -> None:
    """Print what became of a folder's files."""
    _show_refusals(console, result.refusals)
    console.print(
        f"{result.indexed} indexed, {result.already_indexed} already there, {len(result.refusals)} failed"
    )
    if result.new_subtitles:
        console.print(f"{result.new_subtitles} of those already there have new subtitles, now searched")
    if result.duration_s:
        console.print(
            f"{_length(result.duration_s)} of video in {_in_words(result.elapsed_s)} "
            f"({result.duration_s / max(result.elapsed_s, 1e-3):.1f}× real time)"
        )


def show_survey(console: Console, found: Survey) -> None:
    """Print what a batch would have to do."""
    _show_refusals(console, found.refusals)
    console.print(
        f"{found.files} files: {found.new_files} to index, {found.already_indexed} already there, "
        f"{len(found.refusals)} that cannot be"
    )
    console.print(f"To index: {_length(found.new_s)} of video, {found.new_bytes / BYTES_PER_GB:.2f} GB")
    if found.silent_files:
        console.print(f"{found.silent_files} of them do not say how long they are and are not in that")
    estimate = f"Time: about {_in_words(found.estimate_s)}, {_basis(found.measured_speed)}"
    console.print(estimate, soft_wrap=True)


def _basis(measured_speed: float | None) -> str:
    if measured_speed is None:
        return f"assuming {ASSUMED_SPEED:g}× real time: nothing was indexed here yet, so the speed is unknown"
    return f"at the {measured_speed:.1f}× real time measured in this library"


def _length(seconds: float) -> str:
    if seconds < SECONDS_PER_HOUR:
        return f"{seconds / SECONDS_PER_MINUTE:.1f} min"
    return f"{seconds / SECONDS_PER_HOUR:.2f} h"


def _in_words(seconds: float) -> str:
    return str(timedelta(seconds=max(round(seconds), 1)))


def _show_refusals(console: Console, refusals: Sequence[Refusal]) -> None:
    """Print one line a file, soft-wrapped, so that a name can be copied and a line searched for."""
    for refusal in refusals:
        line = f"{printable(str(refusal.path))}: {refusal.code}: {printable(refusal.reason)}"
        console.print(line, style="red", soft_wrap=True)
