"""How a training went: validation recall over its steps, as JSON and as a picture."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from model.evaluation.caption_groups import CaptionMetrics
from model.evaluation.retrieval_metrics import RetrievalMetrics

PANEL_INCHES = (5.0, 3.6)
DOTS_PER_INCH = 110


@dataclass(frozen=True)
class CurvePoint:
    """A validation."""

    stage: str
    step: int
    seconds: float
    """Since the stage began."""
    captions_loss: float
    """Of the step's batch."""
    validation: CaptionMetrics


def write_curve(curve: Sequence[CurvePoint], path: Path) -> None:
    """Write the points as a JSON list."""
    path.write_text(json.dumps([asdict(point) for point in curve], indent=1) + "\n")


def read_curve(path: Path) -> list[CurvePoint]:
    """Return the points that ``write_curve`` wrote."""
    return [
        CurvePoint(
            **{
                **point,
                "validation": CaptionMetrics(
                    **{name: RetrievalMetrics(**metrics) for name, metrics in point["validation"].items()}
                ),
            }
        )
        for point in json.loads(path.read_text())
    ]


def plot_curve(curve: Sequence[CurvePoint], path: Path) -> None:
    """Write a PNG with a panel for each stage; needs matplotlib (extra ``plots``)."""
    from matplotlib.figure import Figure

    stages = [list(points) for _, points in groupby(curve, key=lambda point: point.stage)]
    width, height = PANEL_INCHES
    figure = Figure(figsize=(width * len(stages), height), layout="constrained")
    panels = figure.subplots(1, len(stages), sharey=True, squeeze=False)[0]
    for panel, points in zip(panels, stages, strict=True):
        steps = [point.step for point in points]
        for depth in (1, 5, 10):
            recalls = [getattr(point.validation.text_to_video, f"recall_at_{depth}") for point in points]
            panel.plot(steps, recalls, marker=".", label=f"R@{depth}")
        panel.set(title=points[0].stage, xlabel="steps")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("validation, text → image, %")
    panels[0].legend()
    figure.savefig(path, dpi=DOTS_PER_INCH)
