"""Speed against tokens, as a picture: what each arm reached, and what its arithmetic would allow."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from model.evaluation.efficiency_figures import ArmFigures
from model.evaluation.efficiency_report import EfficiencyReport, mean_tokens

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_INCHES = (7.0, 5.0)
DOTS_PER_INCH = 130


def check_plotting() -> None:
    """Raise ValueError, with the command that installs it, if there is no matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ValueError(
            "the plot needs matplotlib, which is not installed: pip install 'reelseek[plots]'"
        ) from error


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
    tokens = [mean_tokens(figures.arm) for figures in arms]
    axes.plot(
        tokens,
        [baseline * figures.ideal_speedup for figures in arms],
        linestyle="none",
        marker="o",
        markerfacecolor="none",
        color="tab:gray",
        label="ideal, by multiply-accumulates",
    )
    speeds = [figures.videos_per_s for figures in arms]
    axes.errorbar(
        tokens,
        [speed.median for speed in speeds],
        yerr=[
            [speed.median - speed.lower_quartile for speed in speeds],
            [speed.upper_quartile - speed.median for speed in speeds],
        ],
        fmt="o",
        capsize=3,
        label="measured",
    )
    for x, figures in zip(tokens, arms, strict=True):
        axes.annotate(
            figures.arm.reduction,
            (x, figures.videos_per_s.median),
            xytext=(5, -9),
            textcoords="offset points",
            fontsize=7,
        )
    axes.set_title(arms[0].arm.backbone)
    axes.set_xlabel("tokens of a video in attention, mean over the blocks")
    axes.set_ylabel("videos a second")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
