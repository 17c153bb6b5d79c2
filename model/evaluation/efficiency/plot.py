"""Speed against tokens, as a picture: what each arm reached, and what its arithmetic would allow."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from model.evaluation.efficiency.figures import ArmFigures
from model.evaluation.efficiency.report import EfficiencyReport, mean_tokens
from model.evaluation.plotting import COLOURS, DOTS_PER_INCH, MARKERS, check_plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_INCHES = (7.0, 5.0)


def write_plot(report: EfficiencyReport, path: Path) -> None:
    """Write a PNG with a panel for each backbone; ValueError without matplotlib."""
    check_plotting()
    from matplotlib.figure import Figure

    panels = [list(group) for _, group in groupby(report.figures, key=lambda figures: figures.arm.backbone)]
    width, height = PANEL_INCHES
    figure = Figure(figsize=(width * len(panels), height), layout="constrained")
    for place, arms in enumerate(panels):
        _draw(figure.add_subplot(1, len(panels), place + 1), arms)
    conditions = report.conditions
    dtype = str(conditions.dtype).removeprefix("torch.")
    figure.suptitle(
        f"{conditions.frames} frames, {conditions.batch} videos at once, {conditions.device.type}, "
        f"{dtype}, {conditions.mode}: medians of {conditions.repeats} with quartiles"
    )
    figure.savefig(path, format="png", dpi=DOTS_PER_INCH)


def _draw(axes: "Axes", arms: list[ArmFigures]) -> None:
    baseline = arms[0].videos_per_s.median
    for place, figures in enumerate(arms):
        tokens, speed = mean_tokens(figures.arm), figures.videos_per_s
        colour, marker = f"C{place % COLOURS}", MARKERS[place // COLOURS % len(MARKERS)]
        errors = [[speed.median - speed.lower_quartile], [speed.upper_quartile - speed.median]]
        axes.errorbar(
            [tokens],
            [speed.median],
            yerr=errors,
            linestyle="none",
            color=colour,
            marker=marker,
            capsize=3,
            label=figures.arm.reduction,
        )
        ideal = baseline * figures.ideal_speedup
        axes.plot([tokens], [ideal], color=colour, marker=marker, markerfacecolor="none", markersize=9)
    axes.set_title(f"{arms[0].arm.backbone} (hollow: ideal, by multiply-accumulates)")
    axes.set_xlabel("tokens of a video in attention, mean over the blocks")
    axes.set_ylabel("videos a second")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7, loc="lower left")
