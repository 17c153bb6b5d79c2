"""The figures as tables to read, and as JSON to keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from rich import box
from rich.table import Table

from model.evaluation.efficiency.arms import Arm
from model.evaluation.efficiency.figures import ArmFigures, Conditions, Failure, TrainingFigures
from model.evaluation.machine import describe_machine
from model.evaluation.timing import Spread
from model.token_reduction.base import LayerTokens

SPEED_HEADINGS = (
    "backbone, reduction",
    "sequences × tokens by block",
    "out",
    "GMACs",
    "ideal",
    "videos/s (quartiles)",
    "speed-up",
    "of ideal",
    "reducing",
)
MEMORY_HEADINGS = (
    "backbone, reduction",
    "encoding: peak MB",
    "of none",
    "training: step, s (quartiles)",
    "speed-up",
    "peak MB",
    "of none",
)
MISSING = "–"


@dataclass(frozen=True)
class EfficiencyReport:
    """All that one run found."""

    conditions: Conditions
    figures: tuple[ArmFigures, ...]
    failures: tuple[Failure, ...]

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON values; times are in seconds."""
        conditions = self.conditions
        return {
            "conditions": {
                **vars(conditions),
                "device": str(conditions.device),
                "dtype": str(conditions.dtype).removeprefix("torch."),
            },
            "machine": describe_machine(conditions.device),
            "arms": [_arm_json(figures) for figures in self.figures],
            "failures": [vars(failure) for failure in self.failures],
        }


def speed_table(report: EfficiencyReport) -> Table:
    """Return what each arm saves of arithmetic, and how much of that in time."""
    table = _table(SPEED_HEADINGS)
    for figures in report.figures:
        arm = figures.arm
        table.add_row(
            f"{arm.backbone}, {arm.reduction}",
            summarise_layers(arm.layers),
            f"{tokens_out(arm):,}",
            f"{arm.macs / 1e9:.1f}",
            f"{figures.ideal_speedup:.2f}×",
            _with_quartiles(figures.videos_per_s),
            f"{figures.speedup.median:.2f}×",
            f"{figures.measured_of_ideal:.2f}",
            f"{figures.reduction_share:.1%}",
        )
    return table


def memory_table(report: EfficiencyReport) -> Table:
    """Return what each arm takes of memory, and how long a training step is."""
    table = _table(MEMORY_HEADINGS)
    baselines: dict[str, ArmFigures] = {}
    for figures in report.figures:
        baseline = baselines.setdefault(figures.arm.backbone, figures)
        table.add_row(
            f"{figures.arm.backbone}, {figures.arm.reduction}",
            *_peak(figures.peak_bytes, baseline.peak_bytes),
            *_training_cells(figures.training, baseline.training),
        )
    return table


def summarise_layers(layers: Sequence[LayerTokens]) -> str:
    """Return sequences and their attended tokens, first and last block: ``12×50…36; 1×118…107``."""
    stages = []
    for sequences, group in groupby(layers, key=lambda layer: layer.sequences):
        tokens = [layer.attended for layer in group]
        last = f"…{tokens[-1]}" if tokens[-1] != tokens[0] else ""
        stages.append(f"{sequences}×{tokens[0]}{last}")
    return "; ".join(stages)


def tokens_out(arm: Arm) -> int:
    """Return the tokens of a video that leave the last block."""
    return arm.layers[-1].sequences * arm.layers[-1].leaving


def mean_tokens(arm: Arm) -> float:
    """Return the tokens of a video that attend in a block, averaged over the blocks."""
    return sum(layer.sequences * layer.attended for layer in arm.layers) / len(arm.layers)


def _arm_json(figures: ArmFigures) -> dict[str, object]:
    arm, training = figures.arm, figures.training
    return {
        "backbone": arm.backbone,
        "reduction": arm.reduction,
        "layers": [layer._asdict() for layer in arm.layers],
        "tokens_out": tokens_out(arm),
        "mean_tokens": mean_tokens(arm),
        "macs": arm.macs,
        "ideal_speedup": figures.ideal_speedup,
        "seconds": figures.seconds._asdict(),
        "videos_per_s": figures.videos_per_s._asdict(),
        "speedup": figures.speedup._asdict(),
        "measured_of_ideal": figures.measured_of_ideal,
        "reduction_share": figures.reduction_share,
        "peak_bytes": figures.peak_bytes,
        "first_run_s": figures.first_run_s,
        "training": None if training is None else _training_json(training),
    }


def _training_json(training: TrainingFigures) -> dict[str, object]:
    return {
        "step_s": training.step_s._asdict(),
        "speedup": training.speedup._asdict(),
        "peak_bytes": training.peak_bytes,
    }


def _training_cells(training: TrainingFigures | None, baseline: TrainingFigures | None) -> list[str]:
    if training is None or baseline is None:
        return [MISSING] * 4
    return [
        _with_quartiles(training.step_s),
        f"{training.speedup.median:.2f}×",
        *_peak(training.peak_bytes, baseline.peak_bytes),
    ]


def _peak(peak_bytes: int, baseline_bytes: int) -> tuple[str, str]:
    return f"{peak_bytes / 1e6:,.0f}", f"{peak_bytes / baseline_bytes:.2f}"


def _with_quartiles(spread: Spread) -> str:
    return f"{spread.median:.3g} ({spread.lower_quartile:.3g}–{spread.upper_quartile:.3g})"


def _table(headings: Sequence[str]) -> Table:
    """Return an empty table that Markdown understands."""
    table = Table(box=box.MARKDOWN)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right", no_wrap=True)
    return table
