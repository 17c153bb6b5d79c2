"""What is measured of small towers: the arithmetic, the order, and arms that fail."""

from dataclasses import replace

import pytest
import torch

from model.evaluation.efficiency.arms import Arm, Backbone, build_arms
from model.evaluation.efficiency.figures import ArmFigures, Conditions
from model.evaluation.efficiency.measurement import BackboneMeasurement, video_like_pictures
from model.evaluation.efficiency.modes import Mode
from model.evaluation.timing import Spread
from tests.small_towers import small_backbone

CONDITIONS = Conditions(
    frames=12,
    batch=2,
    device=torch.device("cpu"),
    dtype=torch.float32,
    mode=Mode.EAGER,
    repeats=3,
    warm_up=0,
    training_repeats=2,
)


def build(*reductions: str) -> tuple[Backbone, list[Arm]]:
    backbone = small_backbone()
    return backbone, build_arms(backbone, list(reductions), CONDITIONS.frames)


def break_down(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(pictures: torch.Tensor) -> None:
        raise torch.OutOfMemoryError("there is no memory left\nfor this")

    monkeypatch.setattr(arm.tower, "run", run)


def test_reducing_saves_arithmetic_and_memory_and_the_baseline_is_compared_with_itself() -> None:
    backbone, arms = build("centerclip:B3-4,16")
    none, centerclip = BackboneMeasurement(backbone, arms, CONDITIONS).measure()
    assert none.ideal_speedup == 1
    assert none.speedup == Spread(1, 1, 1, 1)
    assert 0 <= none.reduction_share < 1 and 0 < centerclip.reduction_share < 1
    assert centerclip.ideal_speedup == arms[0].macs / arms[1].macs > 1
    assert centerclip.measured_of_ideal == centerclip.speedup.median / centerclip.ideal_speedup
    assert centerclip.videos_per_s.median == pytest.approx(CONDITIONS.batch / centerclip.seconds.median)
    assert none.training is not None and centerclip.training is not None
    assert none.training.peak_bytes > centerclip.training.peak_bytes > centerclip.peak_bytes
    assert none.training.speedup == Spread(1, 1, 1, 1)


def test_how_much_of_the_ideal_is_reached_is_a_ratio_of_medians() -> None:
    _, (arm,) = build("none")
    some = Spread(1.5, 1.2, 1.6, 1.0)
    figures = ArmFigures(arm, 2.0, some, some, some, 0.0, 0, 0.0, None)
    assert figures.measured_of_ideal == 0.75


def test_training_can_be_left_out() -> None:
    backbone, arms = build("none")
    (none,) = BackboneMeasurement(backbone, arms, replace(CONDITIONS, training_repeats=0)).measure()
    assert none.training is None


def test_an_arm_that_fails_is_named_and_the_others_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, arms = build("pooling:B3-4", "frames:6")
    break_down(arms[1], monkeypatch)
    measurement = BackboneMeasurement(backbone, arms, CONDITIONS)
    assert [figures.arm.reduction for figures in measurement.measure()] == ["none", "frames:6"]
    (failure,) = measurement.failures
    assert (failure.reduction, failure.stage) == ("pooling:B3-4", "encoding")
    assert failure.reason == "OutOfMemoryError: there is no memory left"


def test_nothing_is_compared_with_a_baseline_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, arms = build("frames:6")
    break_down(arms[0], monkeypatch)
    measurement = BackboneMeasurement(backbone, arms, CONDITIONS)
    assert measurement.measure() == []
    assert [failure.reduction for failure in measurement.failures] == ["none"]


def test_bfloat16_encodes_in_it_and_trains_its_float32_weights_under_autocast() -> None:
    backbone, arms = build("centerclip:B3-4,16")
    measurement = BackboneMeasurement(backbone, arms, replace(CONDITIONS, dtype=torch.bfloat16))
    assert len(measurement.measure()) == 2
    assert measurement.failures == []
    assert backbone.tower.get_parameter("conv1.weight").dtype == torch.float32


def test_frames_of_a_video_nearly_repeat_each_other_and_videos_do_not() -> None:
    videos = video_like_pictures(32, videos=2, frames=4)
    assert videos.shape == (8, 3, 32, 32)
    assert videos.equal(video_like_pictures(32, videos=2, frames=4))
    (first, second), other = videos[:2], videos[4]
    assert 0 < (first - second).abs().mean() < 0.5 * (first - other).abs().mean()
