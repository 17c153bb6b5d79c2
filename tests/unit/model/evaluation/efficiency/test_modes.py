"""However a tower is run, the vectors are the same."""

from functools import partial

import pytest
import torch

from model.evaluation.efficiency.arms import build_arms
from model.evaluation.efficiency.measurement import video_like_pictures
from model.evaluation.efficiency.modes import Mode, check_mode, prepare_encoding, prepare_training
from tests.small_towers import IMAGE_SIZE, small_backbone

FRAMES, BATCH = 12, 2
REDUCTIONS = ["centerclip:B3-4,16", "tempme:2-2-3/1/0.7/0.9"]


def test_compiled_towers_give_the_eager_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    # Tracing is what can fail; the code made of it takes a compiler, and most of a minute.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager", fullgraph=True))
    pictures = video_like_pictures(IMAGE_SIZE, BATCH, FRAMES)
    for arm in build_arms(small_backbone(), REDUCTIONS, FRAMES):
        eager = prepare_encoding(arm.tower, pictures, Mode.EAGER)()
        compiled = prepare_encoding(arm.tower, pictures, Mode.COMPILED)()
        torch.testing.assert_close(compiled, eager, rtol=1e-4, atol=1e-5, msg=arm.reduction)


def test_a_training_step_leaves_gradients_in_every_weight_that_takes_part() -> None:
    backbone = small_backbone()
    pictures = video_like_pictures(IMAGE_SIZE, BATCH, FRAMES)
    targets = torch.nn.functional.normalize(torch.randn(BATCH, 8), dim=1)
    for arm in build_arms(backbone, REDUCTIONS, FRAMES):
        step = prepare_training(arm.tower, pictures, targets, Mode.EAGER, torch.float32)
        step()
        first = [weight.grad.clone() for weight in backbone.tower.parameters() if weight.grad is not None]
        assert len(first) == len(list(backbone.tower.parameters()))
        step()  # gradients do not add up
        for weight, grad in zip(backbone.tower.parameters(), first, strict=True):
            torch.testing.assert_close(weight.grad, grad)


def test_a_graph_is_refused_where_there_is_no_gpu() -> None:
    with pytest.raises(ValueError, match=r"'graph'.*cpu.*eager or compiled"):
        check_mode(Mode.GRAPH, torch.device("cpu"))
    check_mode(Mode.COMPILED, torch.device("cpu"))
