"""Quality against what it costs, as a picture: up and to the right is better in both panels."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model.durable_file import whole_file
from model.evaluation.plotting import COLOURS, DOTS_PER_INCH, MARKERS, check_plotting
from model.training.comparison.report import ArmSummary, ComparisonReport, peak_memory, recall_sum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (13.0, 5.0)

Place = Callable[[ArmSummary], float | None]


def write_plot(report: ComparisonReport, path: Path) -> None:
    """Write a PNG: R-Sum over the speed of encoding and over the memory of training.

    Raises ValueError without matplotlib.
    """
    check_plotting()
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, layout="constrained")
    speed, memory = figure.subplots(1, 2)
    _draw(speed, report.arms, _encoding_speedup)
    speed.set_xlabel("videos a second, times those without reduction (side by side)")
    _draw(memory, report.arms, lambda arm: arm.ratio(peak_memory))
    memory.set_xlabel("peak memory of training, share of that without reduction")
    memory.invert_xaxis()
    preset, dataset = report.settings["preset"], report.settings["dataset"]
    figure.suptitle(f"{preset} trained on {dataset}: mean and standard deviation over seeds")
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=DOTS_PER_INCH)


def _draw(axes: "Axes", arms: Sequence[ArmSummary], place_of: Place) -> None:
    for number, arm in enumerate(arms):
        place, quality = place_of(arm), arm.over_seeds(recall_sum)
        if place is None:
            continue
        axes.errorbar(
            [place],
            [quality.mean],
            yerr=[quality.deviation or 0.0],
            linestyle="none",
            color=f"C{number % COLOURS}",
            marker=MARKERS[number // COLOURS % len(MARKERS)],
            capsize=3,
            label=arm.arm,
        )
    axes.set_ylabel("R-Sum, text → video")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7)


def _encoding_speedup(arm: ArmSummary) -> float | None:
    return None if arm.speed is None else arm.speed.encoding_speedup.median
