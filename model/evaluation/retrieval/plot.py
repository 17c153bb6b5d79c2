"""Recall against depth, as a picture."""

from pathlib import Path

from model.evaluation.plotting import DOTS_PER_INCH, check_plotting
from model.evaluation.retrieval.figures import DEPTHS
from model.evaluation.retrieval.report import RetrievalReport

INCHES = (7.0, 5.0)
TICKS = (1, 2, 5, 10, 20, 50, 100)


def write_plot(report: RetrievalReport, path: Path) -> None:
    """Write a PNG with a curve for each direction; ValueError without matplotlib."""
    check_plotting()
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, layout="constrained")
    axes = figure.add_subplot()
    curves, counts = report.curves, report.counts
    axes.plot(DEPTHS, curves.text_to_video, label=f"text → video ({counts.captions:,} captions)")
    axes.plot(DEPTHS, curves.video_to_text, label=f"video → text ({counts.evaluated:,} items)")
    chance = [100 * min(1, depth / counts.evaluated) for depth in DEPTHS]
    axes.plot(DEPTHS, chance, color="grey", linestyle=":", label="by chance")
    axes.set_xscale("log")
    axes.set_xticks(TICKS, [str(tick) for tick in TICKS])
    axes.minorticks_off()
    axes.set_xlim(DEPTHS[0], DEPTHS[-1])
    axes.set_ylim(0, 100)
    axes.set_xlabel("k")
    axes.set_ylabel("recall at k (%)")
    axes.grid(alpha=0.3)
    axes.legend(loc="best")
    axes.set_title(f"{report.dataset}, {report.split}: {report.settings.preset}, {report.settings.reduction}")
    figure.savefig(path, format="png", dpi=DOTS_PER_INCH)
