"""A drift report as a person reads it: what was compared, a table, and the sentence to remember."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from model.evaluation.drift.report import DriftReport, ReducerDrift, conclusion


def show_report(console: Console, report: DriftReport) -> None:
    """Print the report."""
    for refusal in report.refusals:
        line = f"{str(refusal.path)!r}: {refusal.code}: {refusal.reason}"
        console.print(line, style="red", markup=False, soft_wrap=True)
    for line in _preface(report):
        console.print(line, markup=False, soft_wrap=True)
    console.print(_table(report))
    for line in _legend(report):
        console.print(line, style="dim", soft_wrap=True)
    console.print(conclusion(report.reducers, report.depth), markup=False, soft_wrap=True)


def _preface(report: DriftReport) -> list[str]:
    lines = [
        f"{report.clips} clips of {report.videos} videos, {report.frames_per_clip} frames each, "
        f"encoded by {report.model}; {report.queries} word queries"
    ]
    if report.depth < report.asked_depth:
        lines.append(
            f"The first {report.depth} of each ranking are compared and not the first {report.asked_depth}: "
            f"{report.clips} clips are too few for that"
        )
    return lines


def _table(report: DriftReport) -> Table:
    """Return a table that fits 80 columns, which is what a pipe gets."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("reducer", overflow="fold")
    for heading in ("speed", "cosine", "5 %", "least", "parts", "words", "order", "clips", "order"):
        table.add_column(heading, justify="right", no_wrap=True)
    for drift in report.reducers:
        table.add_row(*_cells(drift))
    return table


def _legend(report: DriftReport) -> list[str]:
    return [
        f"speed: clips in the time of one unreduced, median of batches, {report.timed_clips} clips in all",
        "cosine: of reduced with unreduced clips, the mean, what 5 % fall below, the least",
        "parts: the mean between their segments, where they have as many",
        f"words, clips: share of the first {report.depth} hits for a word query, or for a clip, that stay",
        "order: rank correlation of these hits (Spearman)",
    ]


def _cells(drift: ReducerDrift) -> list[str]:
    cosine, segments = drift.clip_cosine, drift.segment_cosine
    agreements = (drift.words, drift.neighbours)
    return [
        drift.reducer,
        f"{drift.speed_up:.2f}×",
        *(f"{value:.3f}" for value in (cosine.mean, cosine.fifth_percentile, cosine.least)),
        "–" if segments is None else f"{segments.mean:.3f}",
        *(f"{value:.2f}" for one in agreements for value in (one.overlap, one.rank_correlation)),
    ]
