"""What is measured of token reduction, and under which conditions."""

from dataclasses import dataclass

import torch

from model.evaluation.efficiency.arms import Arm
from model.evaluation.efficiency.modes import Mode
from model.evaluation.timing import Spread


@dataclass(frozen=True)
class Conditions:
    """What all arms of a run have in common."""

    frames: int
    batch: int
    """Videos at once."""
    device: torch.device
    dtype: torch.dtype
    mode: Mode
    repeats: int
    warm_up: int
    """Runs of each arm before its first timed one."""
    training_repeats: int
    """0: training is not measured."""


@dataclass(frozen=True)
class TrainingFigures:
    """One training step: forward, and backward into all weights; no optimiser."""

    step_s: Spread
    speedup: Spread
    """Against the baseline within each repetition."""
    peak_bytes: int
    """Weights and pictures, and the most that a step takes beside them."""


@dataclass(frozen=True)
class ArmFigures:
    """What was measured of an arm, beside what its arithmetic allows."""

    arm: Arm
    ideal_speedup: float
    """The baseline's multiply-accumulates over the arm's."""
    seconds: Spread
    """Of one batch."""
    videos_per_s: Spread
    speedup: Spread
    """Against the baseline within each repetition."""
    reduction_share: float
    """Of the time of an eager run, 0 to 1."""
    peak_bytes: int
    """Weights and pictures, and the most that encoding takes beside them."""
    first_run_s: float
    """With the compilation, or the recording of the graph."""
    training: TrainingFigures | None

    @property
    def measured_of_ideal(self) -> float:
        """How much of the ideal speed-up was reached, 1 being all."""
        return self.speedup.median / self.ideal_speedup


@dataclass(frozen=True)
class Failure:
    """An arm that could not be run."""

    backbone: str
    reduction: str
    stage: str
    """``encoding`` or ``training``."""
    reason: str
