"""How often hits are right by their margin, and how far searches with and without an answer lie apart."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model.calibration.certainty import NOTHING, probability_right
from model.evaluation.plotting import DOTS_PER_INCH, check_plotting
from model.evaluation.presence.measuring import Measured
from model.evaluation.presence.statistics import REACH

INCHES = (11.0, 4.4)
BINS = np.linspace(-3, 5, 33)
FEWEST = 20
"""Hits in a bin of which a share is drawn."""


def write_plot(parts: Sequence[Measured], title: str, path: Path) -> None:
    """Write a PNG of the captions' parts; ValueError without matplotlib."""
    check_plotting()
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, layout="constrained")
    left, right = figure.subplots(1, 2)
    shown = parts[min(1, len(parts) - 1)]
    for values, label in ((shown.present[REACH], "in the library"), (shown.absent[REACH], "taken out")):
        left.hist(values, BINS.tolist(), alpha=0.55, density=True, label=label)
    left.axvline(NOTHING, color="grey", linestyle=":", label="nothing found")
    left.set_xlabel(f"margin of the best of {shown.clips:,} clips over phrases in general")
    left.set_ylabel("density of searches")
    left.legend(loc="best")
    middles = (BINS[1:] + BINS[:-1]) / 2
    for place, part in enumerate(parts):
        margins = np.concatenate([part.present[REACH], part.absent[REACH]])
        is_right = np.concatenate([part.is_right, np.zeros_like(part.is_right)])
        bins = np.digitize(margins, BINS) - 1
        counts = [int((bins == one).sum()) for one in range(len(middles))]
        kept = [one for one, count in enumerate(counts) if count >= FEWEST]
        shares = [100 * is_right[bins == one].mean() for one in kept]
        right.plot(middles[kept], shares, "o", markersize=3, color=f"C{place}", label=f"{part.clips:,} clips")
        fitted = [100 * probability_right(middle, part.clips) for middle in middles]
        right.plot(middles, fitted, color=f"C{place}", alpha=0.6)
    right.set_ylim(0, 100)
    right.set_xlabel("margin of the best hit over phrases in general")
    right.set_ylabel("best hits that are right (%); lines: as fitted")
    right.legend(loc="best")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.suptitle(title)
    figure.savefig(path, format="png", dpi=DOTS_PER_INCH)
