"""Results of parts of a comparison, as if they had been trained, and trainings to ask for."""

from dataclasses import replace
from pathlib import Path

from model.evaluation.caption_groups import CaptionMetrics
from model.evaluation.retrieval_metrics import RetrievalMetrics
from model.evaluation.timing import Spread
from model.training.comparison.results import PartResult
from model.training.comparison.speed import ArmSpeed
from model.training.run import Overrides, Speed, TrainingRun


def budget(root: Path = Path("data")) -> TrainingRun:
    """Return a small training that every part shares."""
    return TrainingRun(
        dataset="pans",
        root=root,
        output=Path("unused"),
        recipe="centerclip",
        overrides=Overrides(batch=4, frames=12),
        max_steps=2,
    )


def metrics(recall_at_1: float) -> CaptionMetrics:
    """Return metrics with R@5 twice and R@10 three times ``recall_at_1``, the same in both directions."""
    one = RetrievalMetrics(recall_at_1, 2 * recall_at_1, 3 * recall_at_1, 2.0, 3.5, 100)
    return CaptionMetrics(one, replace(one, queries=50))


def part_result(arm: str, seed: int, *, recall_at_1: float = 10.0, step_s: float = 2.0) -> PartResult:
    """Return what a part found; the peak memory is as many GB as a step takes seconds."""
    return PartResult(
        arm=arm,
        seed=seed,
        reduction=arm,
        test=metrics(recall_at_1),
        validation=metrics(recall_at_1 + 1),
        best_epoch=4,
        pairs=200,
        steps=25,
        speed=Speed(step_s, 0.1, 480.0, round(step_s * 1e9)),
        wall_s=60.0,
        first_loss=4.0,
        last_loss=2.0,
        refused=(),
    )


def arm_speed(arm: str, factor: float) -> ArmSpeed:
    """Return the speed of an arm that is ``factor`` times as fast as none."""
    spread = Spread(factor, factor - 0.1, factor + 0.1, factor - 0.2)
    return ArmSpeed(arm, factor + 0.1, spread, 3.0 * factor, spread, 1 / factor)
