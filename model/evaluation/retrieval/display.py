"""A report as a person reads it: what was evaluated, a table in the papers' order, and what was refused."""

from collections import Counter

from rich import box
from rich.console import Console
from rich.table import Table

from model.datasets.base import Refusal
from model.evaluation.retrieval.figures import Figures
from model.evaluation.retrieval.report import RetrievalReport

SHOWN_REFUSALS = 10
"""Of each code; the JSON lists them all."""

COLUMNS = 80
"""The widest that a table of figures becomes."""

HEADINGS = ("R@1", "R@5", "R@10", "MdR", "MnR", "R-Sum")
"""In CLIP4Clip's order (arXiv 2104.08860), with TempMe's R-Sum (arXiv 2409.01156)."""

CAUTION = (
    "Corrected by other queries, which a search does not have: not to be compared with the figures above."
)


def show_report(console: Console, report: RetrievalReport) -> None:
    """Print the report."""
    for line in _preface(report):
        console.print(line, soft_wrap=True)
    console.print(figures_table(report.figures))
    for name, corrected in report.corrected.items():
        console.print(f"\n{name}: {corrected.detail or corrected.absence}", soft_wrap=True)
        if corrected.figures is not None:
            console.print(figures_table(corrected.figures))
    if report.corrected:
        console.print(CAUTION, style="dim", soft_wrap=True)


def show_refusals(console: Console, refusals: tuple[Refusal, ...]) -> None:
    """Print what was refused and why, the first of each code."""
    for code, count in Counter(refusal.code for refusal in refusals).items():
        of_code = [refusal for refusal in refusals if refusal.code == code]
        for refusal in of_code[:SHOWN_REFUSALS]:
            console.print(f"{refusal.name}: {code}: {refusal.reason}", style="red", soft_wrap=True)
        if count > SHOWN_REFUSALS:
            console.print(f"… and {count - SHOWN_REFUSALS} more: {code}", style="red")


def figures_table(figures: Figures) -> Table:
    """Return a row for each direction and tie policy; it fits ``COLUMNS``, and Markdown understands it."""
    table = Table(box=box.MARKDOWN)
    table.add_column("ranking", no_wrap=True)
    table.add_column("ties", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for direction, by_policy in (
        ("text→video", figures.text_to_video),
        ("video→text", figures.video_to_text),
    ):
        for ties, metrics in by_policy.items():
            recalls = (metrics.recall_at_1, metrics.recall_at_5, metrics.recall_at_10)
            table.add_row(
                direction,
                ties,
                *(f"{recall:.1f}" for recall in recalls),
                f"{metrics.median_rank:g}",
                f"{metrics.mean_rank:.1f}",
                f"{metrics.recall_sum:.1f}",
            )
    return table


def _preface(report: RetrievalReport) -> list[str]:
    counts, settings = report.counts, report.settings
    lines = [
        f"{report.dataset}, {report.split}: {counts.evaluated:,} items with {counts.captions:,} captions, "
        f"encoded by {settings.preset} ({_how(report)})"
    ]
    if counts.refused:
        lines.append(
            f"{counts.refused:,} of {counts.annotated:,} annotated items were refused: with fewer to rank, "
            "the figures are higher than those of the whole split"
        )
    if counts.left_out:
        lines.append(f"{counts.left_out:,} items are left out by --limit: the same holds")
    if counts.cut_captions:
        lines.append(
            f"{counts.cut_captions:,} captions are longer than the model reads: their ends are ignored"
        )
    return lines


def _how(report: RetrievalReport) -> str:
    if report.counts.photographs == report.counts.evaluated:
        return "single pictures"
    return f"{report.settings.frames_per_clip} frames, {report.settings.reduction}"
