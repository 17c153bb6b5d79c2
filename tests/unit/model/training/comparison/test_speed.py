"""Arms side by side in one tower."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.evaluation.efficiency.figures import Conditions
from model.evaluation.efficiency.modes import Mode
from model.training.comparison import speed
from model.training.comparison.speed import measure_speed, open_backbone, speed_of
from tests.toy_training import toy_checkpoint

ARMS = ["none", "frames:1", "sparse:B4-2,8/random"]


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return an encoder of 5 blocks and 16 patches."""
    return str(toy_checkpoint(tmp_path_factory.mktemp("speed") / "preset"))


def conditions() -> Conditions:
    return Conditions(
        frames=2,
        batch=2,
        device=torch.device("cpu"),
        dtype=torch.float32,
        mode=Mode.EAGER,
        repeats=1,
        warm_up=0,
        training_repeats=1,
    )


def test_every_arm_is_held_against_the_unreduced_tower_and_read_back(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds = speed_of(preset, ARMS, conditions(), tmp_path)
    assert [one.arm for one in speeds] == ARMS
    none, half = speeds[:2]
    assert (none.ideal_speedup, none.encoding_speedup.median, none.step_memory) == (1, 1, 1)
    assert half.ideal_speedup == pytest.approx(2)
    assert half.step_memory is not None
    assert half.step_memory < 1

    monkeypatch.setattr(speed, "measure_speed", lambda *_: pytest.fail("measured again"))
    assert speed_of(preset, ARMS, conditions(), tmp_path) == speeds
    monkeypatch.setattr(speed, "measure_speed", lambda *_: [])
    assert speed_of(preset, ARMS[:2], conditions(), tmp_path) == []
    assert speed_of(preset, ARMS[:2], replace(conditions(), batch=1), tmp_path) == []


def test_arms_that_training_does_not_fit_have_no_figures_of_it(preset: str) -> None:
    (none,) = measure_speed(preset, ["none"], replace(conditions(), training_repeats=0))
    assert none.step_speedup is None
    assert none.step_memory is None


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ValueError, match="no model 'ViT-Z-99'"):
        open_backbone("ViT-Z-99")
