"""The loss over a batch, and its gradients however the batch is divided."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from open_clip.model import CLIP
from torch import Tensor, nn

from model.preprocessing import Preprocessing
from model.token_reduction.base import TokenReducer, Unreduced
from model.token_reduction.segments import Stage
from model.token_reduction.sparse_sampling import SparseSampling
from model.training.contrastive import MicroBatch, PairVectors, backpropagate, info_nce
from model.training.gathering import Processes
from model.training.recipes import RECIPES
from model.training.run import Overrides
from model.training.towers import Towers
from model.training.trainable_model import prepare_for_training
from tests.dual_encoders import IMAGE_SIZE, VOCABULARY, small_clip

PREPROCESSING = Preprocessing(IMAGE_SIZE, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), "squash")
FRAMES = 2
SPARSE = SparseSampling(Stage(1, 1, 8), is_random=True)


def micro_batches(sizes: list[int]) -> list[MicroBatch]:
    """Return six pairs, the same ones, in parts of these sizes."""
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (6, FRAMES, IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)
    tokens = torch.from_numpy(generator.integers(1, VOCABULARY - 1, (6, 8)))
    tokens[:, -1] = VOCABULARY - 1
    parts = zip(np.split(frames, np.cumsum(sizes)[:-1]), tokens.split(sizes), strict=True)
    return [MicroBatch(part, ids, seed) for seed, (part, ids) in enumerate(parts)]


def towers_of(model: CLIP, reducer: TokenReducer) -> Towers:
    recipe = Overrides(frames=FRAMES, words=8).apply(RECIPES["centerclip"])
    trainable = prepare_for_training(model, reducer, recipe)
    trainable.train()
    return Towers(trainable, PREPROCESSING, torch.device("cpu"), torch.float32)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


def whole_graph(towers: Towers, batches: list[MicroBatch], scale: Tensor) -> Tensor:
    """Return the loss of all pairs in one graph, with the draws of each micro-batch: the plain way."""
    parts = []
    for batch in batches:
        torch.manual_seed(batch.seed)
        parts.append(towers.encode_pairs(batch))
    loss = info_nce(PairVectors(*(torch.cat(side) for side in zip(*parts, strict=True))), scale)
    loss.backward()
    return loss.detach()


def add_dropout(model: CLIP) -> None:
    for block in model.transformer.resblocks:
        block.mlp.append(nn.Dropout(0.3))


def leave(model: CLIP) -> None:
    """Draw nothing."""


@pytest.mark.parametrize("sizes", [[6], [2, 2, 2], [5, 1], [1] * 6])
@pytest.mark.parametrize(
    ("reducer", "change"), [(Unreduced(), leave), (SPARSE, add_dropout)], ids=["nothing drawn", "drawn"]
)
def test_micro_batches_have_the_gradients_of_one_graph_over_the_whole_batch(
    sizes: list[int], reducer: TokenReducer, change: Callable[[CLIP], None]
) -> None:
    model = small_clip()
    change(model)
    towers = towers_of(model, reducer)
    batches = micro_batches(sizes)
    expected = whole_graph(towers, batches, model.logit_scale)
    wanted = gradients(model)
    model.zero_grad()
    loss = backpropagate(towers.encode_pairs, batches, model.logit_scale, Processes())
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradients(model), wanted, rtol=1e-4, atol=1e-5)
    assert "logit_scale" in wanted


def test_dividing_the_batch_changes_neither_loss_nor_gradients() -> None:
    model = small_clip()
    towers = towers_of(model, Unreduced())
    found = []
    for sizes in ([6], [2, 3, 1]):
        model.zero_grad()
        loss = backpropagate(towers.encode_pairs, micro_batches(sizes), model.logit_scale, Processes())
        found.append((loss, gradients(model)))
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)


def test_a_frozen_scale_gets_no_gradient() -> None:
    model = small_clip()
    towers = towers_of(model, Unreduced())
    model.logit_scale.requires_grad_(False)
    backpropagate(towers.encode_pairs, micro_batches([3, 3]), model.logit_scale, Processes())
    assert model.logit_scale.grad is None


def test_a_loss_that_is_not_finite_leaves_no_gradient() -> None:
    model = small_clip()
    towers = towers_of(model, Unreduced())
    with torch.no_grad():
        model.visual.proj.fill_(torch.nan)
    loss = backpropagate(towers.encode_pairs, micro_batches([3, 3]), model.logit_scale, Processes())
    assert loss.isnan()
    assert gradients(model) == {}


def test_the_loss_is_the_mean_cross_entropy_of_rows_and_columns() -> None:
    vectors = PairVectors(torch.eye(2), torch.tensor([[1.0, 0.0], [0.6, 0.8]]))
    scale = torch.tensor(2.0).log()
    row = [-np.log(np.exp(2) / (np.exp(2) + np.exp(1.2))), -np.log(np.exp(1.6) / (np.exp(0) + np.exp(1.6)))]
    column = [
        -np.log(np.exp(2) / (np.exp(2) + np.exp(0))),
        -np.log(np.exp(1.6) / (np.exp(1.2) + np.exp(1.6))),
    ]
    assert info_nce(vectors, scale).item() == pytest.approx((np.mean(row) + np.mean(column)) / 2, rel=1e-5)
