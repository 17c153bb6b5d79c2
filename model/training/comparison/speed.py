"""What the arms cost side by side: one tower, the same pictures, every arm once in each repetition.

The trainings themselves run one after the other, so on a machine that others use too their times drift
apart. Here all arms meet the same minutes. It is the video tower alone, and neither what its weights are nor
what the pictures show changes the time.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from model.checkpoint import preprocessing_of
from model.config import resolve_source
from model.evaluation.efficiency.arms import Backbone, build_arms
from model.evaluation.efficiency.figures import ArmFigures, Conditions
from model.evaluation.efficiency.measurement import BackboneMeasurement
from model.evaluation.timing import Spread
from model.training.comparison.parts import write_whole
from model.vision_transformer.video_tower import open_trunk

SPEED_FILE = "speed.json"


@dataclass(frozen=True)
class ArmSpeed:
    """One arm's cost beside the unreduced tower's; ratios over 1 are to its favour, but for memory."""

    arm: str
    ideal_speedup: float
    """The unreduced tower's multiply-accumulates over the arm's."""
    encoding_speedup: Spread
    """Videos a second over the unreduced tower's, within each repetition."""
    videos_per_s: float
    step_speedup: Spread | None
    """The unreduced tower's seconds a step, forward and backward, over the arm's; None: it did not run."""
    step_memory: float | None
    """Most bytes of a step over the unreduced tower's."""


def speed_of(preset: str, arms: list[str], conditions: Conditions, output: Path) -> list[ArmSpeed]:
    """Return what ``measure_speed`` does, read back from ``output`` if it was measured there before."""
    path = output / SPEED_FILE
    wanted = {"preset": preset, "arms": arms, "conditions": {k: str(v) for k, v in vars(conditions).items()}}
    speeds = _read(path, wanted)
    if speeds is None:
        speeds = measure_speed(preset, arms, conditions)
        kept = {"measured": wanted, "arms": [asdict(one) for one in speeds]}
        write_whole(path, json.dumps(kept, indent=1))
    return speeds


def measure_speed(preset: str, arms: list[str], conditions: Conditions) -> list[ArmSpeed]:
    """Return the cost of the arms that could be run in the preset's tower, ``none`` first.

    The unreduced tower must fit into memory, or there is nothing to compare with and the list is empty.
    """
    backbone = open_backbone(preset)
    backbone.tower.to(conditions.device)
    built = build_arms(backbone, arms, conditions.frames)
    figures = BackboneMeasurement(backbone, built, conditions).measure()
    return [_summarise(one, figures[0]) for one in figures]


def open_backbone(preset: str) -> Backbone:
    """Return the visual tower of a preset, checkpoint folder or ARCHITECTURE/TAG, with random weights.

    Nothing is downloaded. Raises ValueError for an unknown name, and for a tower that takes no reducers.
    """
    torch.manual_seed(0)
    model = resolve_source(preset).build(is_trained=False)
    tower = model.visual.to(torch.float32)
    return Backbone(preset, tower, open_trunk(tower), preprocessing_of(model).image_size)


def _read(path: Path, wanted: dict[str, Any]) -> list[ArmSpeed] | None:
    """Return the figures in the file if they were measured as wanted, else None."""
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    if kept["measured"] != wanted:
        return None
    return [
        ArmSpeed(
            **{
                **one,
                "encoding_speedup": Spread(*one["encoding_speedup"]),
                "step_speedup": None if one["step_speedup"] is None else Spread(*one["step_speedup"]),
            }
        )
        for one in kept["arms"]
    ]


def _summarise(figures: ArmFigures, baseline: ArmFigures) -> ArmSpeed:
    training, unreduced = figures.training, baseline.training
    return ArmSpeed(
        arm=figures.arm.reduction,
        ideal_speedup=figures.ideal_speedup,
        encoding_speedup=figures.speedup,
        videos_per_s=figures.videos_per_s.median,
        step_speedup=None if training is None else training.speedup,
        step_memory=training.peak_bytes / unreduced.peak_bytes if training and unreduced else None,
    )
