"""The state of an unfinished training on disk."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from model.evaluation.caption_groups import CaptionMetrics
from model.evaluation.retrieval_metrics import RetrievalMetrics
from model.training.resume import STATE_FILE, Progress, TrainingState
from model.training.run import Validation

SETTINGS: dict[str, object] = {"seed": 1, "betas": (0.9, 0.98), "learning_rate": 1e-4}


def validation(epoch: int, recall: float) -> Validation:
    metrics = RetrievalMetrics(recall, recall, recall, 1.5, 2.25, 8)
    return Validation(epoch, epoch * 3, CaptionMetrics(metrics, metrics))


def trained(steps: int) -> tuple[dict[str, nn.Parameter], AdamW]:
    """Return two parameters after so many steps, and their optimiser."""
    torch.manual_seed(0)
    parameters = {"model.a": nn.Parameter(torch.randn(3, 2)), "model.b": nn.Parameter(torch.randn(4))}
    optimizer = AdamW(parameters.values(), lr=0.1)
    advance(parameters, optimizer, steps)
    return parameters, optimizer


def advance(parameters: dict[str, nn.Parameter], optimizer: AdamW, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        sum((weight**3).sum() for weight in parameters.values()).backward()  # type: ignore[union-attr]
        optimizer.step()


def values(parameters: dict[str, nn.Parameter]) -> dict[str, list[float]]:
    return {name: weight.flatten().tolist() for name, weight in parameters.items()}


def test_weights_moments_and_measurements_come_back_bit_for_bit(tmp_path: Path) -> None:
    parameters, optimizer = trained(3)
    progress = Progress(3, (0.1, 0.2, 1 / 3), (validation(0, 10.0), validation(1, 100 / 3)))
    TrainingState(tmp_path, SETTINGS).save(parameters, optimizer, progress)
    restored, fresh = trained(0)
    assert TrainingState(tmp_path, SETTINGS).load(restored, fresh) == progress
    advance(parameters, optimizer, 2)
    advance(restored, fresh, 2)
    assert values(restored) == values(parameters)


def test_where_nothing_is_saved_training_begins_at_the_first_step(tmp_path: Path) -> None:
    assert TrainingState(tmp_path, SETTINGS).load(*trained(0)) == Progress()


def test_other_settings_are_named_with_both_values_and_the_ways_out(tmp_path: Path) -> None:
    TrainingState(tmp_path, SETTINGS).save(*trained(1), Progress(1, (0.5,)))
    other = TrainingState(tmp_path, SETTINGS | {"learning_rate": 1e-5, "frames": 12})
    with pytest.raises(ValueError, match=r"learning_rate was 0\.0001 and is now 1e-05") as caught:
        other.load(*trained(0))
    assert "frames was None and is now 12" in str(caught.value)
    assert "--restart" in str(caught.value)
    assert "seed" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_damaged_state_is_refused_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot be read.*--restart"):
        TrainingState(tmp_path, SETTINGS).load(*trained(0))


def test_best_weights_lie_apart_until_a_state_knows_better_ones(tmp_path: Path) -> None:
    state = TrainingState(tmp_path, SETTINGS)
    parameters, optimizer = trained(1)
    progress = Progress(3, (1.0,) * 3, (validation(1, 20.0),))
    state.save_best(parameters, 1)
    state.save(parameters, optimizer, progress)
    first = values(parameters)
    advance(parameters, optimizer, 1)
    state.save_best(parameters, 2)
    restored, _ = trained(0)
    state.load_best(restored, 1)  # as after a kill before the next save
    assert values(restored) == first
    state.save(
        parameters, optimizer, replace(progress, validations=(validation(1, 20.0), validation(2, 30.0)))
    )
    assert [path.name for path in tmp_path.glob("unfinished-best*")] == ["unfinished-best-2.safetensors"]
    state.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_best_epoch_is_the_latest_of_the_highest_and_never_the_one_before_training() -> None:
    measured = (validation(0, 90.0), validation(1, 50.0), validation(2, 60.0), validation(3, 60.0))
    best = Progress(9, (), measured).best
    assert best is not None
    assert best.epoch == 3
    assert Progress(0, (), measured[:1]).best is None
