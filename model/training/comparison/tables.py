"""The comparison as tables that a terminal and Markdown both show."""

from collections.abc import Sequence
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table

from model.evaluation.timing import Spread
from model.training.comparison.report import (
    ArmSummary,
    ComparisonReport,
    Figure,
    OverSeeds,
    median_rank,
    peak_memory,
    recall_at_1,
    recall_at_1_back,
    recall_at_5,
    recall_at_10,
    recall_sum,
    recall_sum_back,
    step_s,
)
from model.training.comparison.speed import ArmSpeed

QUALITY: dict[str, Figure] = {
    "R-Sum": recall_sum,
    "R@1": recall_at_1,
    "R@5": recall_at_5,
    "R@10": recall_at_10,
    "MdR": median_rank,
    "v→t R-Sum": recall_sum_back,
    "v→t R@1": recall_at_1_back,
}
"""Text → video, but for the last two."""

COST_HEADINGS = (
    "arm",
    "ideal",
    "training peak, MB",
    "of none",
    "step, s",
    "side by side: steps",
    "step memory of none",
    "videos/s",
)

MISSING = "–"

WIDE = 250
"""Columns of a Markdown table are not wrapped."""


def quality_table(arms: Sequence[ArmSummary]) -> Table:
    """Return what each arm finds in the test split, mean ± standard deviation over the seeds."""
    table = _table(["arm", "seeds", *QUALITY, "R-Sum above none"])
    for arm in arms:
        figures = [_over_seeds(arm.over_seeds(figure)) for figure in QUALITY.values()]
        above = arm.difference(recall_sum)
        table.add_row(
            arm.arm, str(len(arm.results)), *figures, MISSING if above is None else _over_seeds(above, "+.1f")
        )
    return table


def cost_table(arms: Sequence[ArmSummary]) -> Table:
    """Return what each arm takes to train, and how fast it encodes.

    Seconds of a step are of trainings at different hours: only what was measured side by side is a ratio.
    """
    table = _table(COST_HEADINGS)
    for arm in arms:
        ideal, *side_by_side = _speed_cells(arm.speed)
        table.add_row(
            arm.arm,
            ideal,
            f"{arm.over_seeds(peak_memory).mean / 1e6:,.0f}",
            _ratio(arm.ratio(peak_memory)),
            f"{arm.over_seeds(step_s).mean:.3g}",
            *side_by_side,
        )
    return table


def to_markdown(report: ComparisonReport) -> str:
    """Return the conditions, both tables and what went wrong as a Markdown page."""
    settings = ", ".join(f"{name} {value}" for name, value in report.settings.items() if value is not None)
    machine = ", ".join(f"{name} {value}" for name, value in report.machine.items() if value is not None)
    page = StringIO()
    console = Console(file=page, width=WIDE, highlight=False, markup=False)
    console.print(quality_table(report.arms), cost_table(report.arms))
    troubles = [*report.unequal, *(f"{one.arm}, seed {one.seed}: {one.reason}" for one in report.failures)]
    tables = "\n".join(line.strip() for line in page.getvalue().splitlines())
    told = "".join(f"\n- {trouble}" for trouble in troubles)
    return f"Compared: {settings}.\n\nMachine: {machine}.\n{tables}\n{told}".rstrip()


def _over_seeds(figure: OverSeeds, form: str = ".1f") -> str:
    deviation = "" if figure.deviation is None else f" ± {figure.deviation:.1f}"
    return f"{figure.mean:{form}}{deviation}"


def _speed_cells(speed: ArmSpeed | None) -> list[str]:
    if speed is None:
        return [MISSING] * 4
    return [
        f"{speed.ideal_speedup:.2f}×",
        _speedup(speed.step_speedup),
        _ratio(speed.step_memory),
        _speedup(speed.encoding_speedup),
    ]


def _speedup(spread: Spread | None) -> str:
    if spread is None:
        return MISSING
    return f"{spread.median:.2f}× ({spread.lower_quartile:.2f}–{spread.upper_quartile:.2f})"


def _ratio(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2f}"


def _table(headings: Sequence[str]) -> Table:
    table = Table(box=box.MARKDOWN)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right", no_wrap=True)
    return table
