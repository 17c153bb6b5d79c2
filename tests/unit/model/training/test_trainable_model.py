"""What a recipe trains, what it freezes, and how a trained model becomes a plain one again."""

import copy
import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from torch import Tensor, nn

from model.checkpoint import DualEncoder
from model.lora import LowRankAttention
from model.token_reduction.base import TokenReducer, Unreduced
from model.token_reduction.centerclip import CenterClip
from model.token_reduction.frame_choice import FewerFrames
from model.token_reduction.segments import Stage
from model.token_reduction.sparse_sampling import SparseSampling
from model.token_reduction.tempme import TempMe
from model.training.recipes import RECIPES, Recipe
from model.training.short_texts import encode_texts
from model.training.trainable_model import (
    TrainableModel,
    finish,
    prepare_for_training,
    serving_form,
    training_form,
)
from model.vision_transformer.mobilenet_hybrid import MobileNetStem
from model.vision_transformer.mobilenet_hybrid import Stage as Stem
from model.vision_transformer.video_tower import VideoTower
from tests.dual_encoders import CONTEXT, IMAGE_SIZE, small_clip, small_convolutional_clip, small_timm_clip

FRAMES = 4
STAGE = Stage(2, 2, 16)
MERGING = TempMe((1, 2, 2), 1, 0.7, 0.9, layers=4)
REDUCERS: list[TokenReducer] = [Unreduced(), CenterClip((STAGE,)), MERGING]
ENCODERS: list[Callable[[], DualEncoder]] = [
    small_clip,
    small_timm_clip,
    lambda: small_timm_clip("perception", no_causal_mask=True, pool_type="last"),
]


def small(name: str) -> Recipe:
    return replace(RECIPES[name], frames=FRAMES, words=8)


def inputs() -> tuple[Tensor, Tensor]:
    """Return the pictures of two videos, and a text of all places for each."""
    return torch.randn(2 * FRAMES, 3, IMAGE_SIZE, IMAGE_SIZE), torch.randint(1, 50, (2, CONTEXT))


def run(
    trainable: TrainableModel, reducer: TokenReducer, given: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    tower = VideoTower(trainable.model.visual, reducer, FRAMES)
    return tower.run(given[0]).vectors, encode_texts(trainable.model, given[1])


def loss_of(trainable: TrainableModel) -> Tensor:
    videos, texts = run(trainable, trainable.reducer, inputs())
    means = videos.unflatten(0, (2, -1)).mean(1)
    loss: Tensor = (trainable.model.logit_scale.exp() * means @ texts.T).square().mean()
    return loss


def open_up(trainable: TrainableModel) -> None:
    """Give all that starts at zero other values, as training would."""
    for name, parameter in trainable.trained_parameters().items():
        if not parameter.any() and parameter.numel() and not name.endswith("bias"):
            nn.init.normal_(parameter, std=0.1)


def test_tempme_trains_507_648_numbers_of_b32_and_12_frames() -> None:
    with torch.device("meta"):
        clip = CLIP(512, CLIPVisionCfg(layers=12, width=768, patch_size=32), CLIPTextCfg())
    trainable = prepare_for_training(clip, TempMe((2, 2, 3), 2, 0.7, 0.9), RECIPES["tempme"])
    trained = trainable.trained_parameters()
    counts = {
        side: sum(parameter.numel() for name, parameter in trained.items() if name.startswith(side))
        for side in ("model.visual.", "model.transformer.", "positions.")
    }
    assert counts == {"model.visual.": 294_912, "model.transformer.": 196_608, "positions.": 16_128}
    assert sum(parameter.numel() for parameter in trained.values()) == 507_648
    assert trainable.positions is not None
    assert [tuple(vectors.shape) for vectors in trainable.positions.vectors] == [
        (12, 768),
        (6, 768),
        (3, 768),
    ]
    assert {name.rpartition(".")[2] for name in trained} == {"down", "up", "0", "1", "2"}
    (adapters, positions) = trainable.parameter_groups()
    assert (
        (adapters["peak"], adapters["weight_decay"])
        == (6e-4, 0.2)
        == (positions["peak"], positions["weight_decay"])
    )


@pytest.mark.parametrize("build", ENCODERS)
@pytest.mark.parametrize("reducer", REDUCERS, ids=lambda reducer: reducer.name)
@pytest.mark.parametrize("name", ["centerclip", "tempme"])
def test_what_is_trained_has_a_gradient_and_nothing_else_does(
    build: Callable[[], DualEncoder], reducer: TokenReducer, name: str
) -> None:
    trainable = prepare_for_training(build(), reducer, small(name))
    trainable.train()
    open_up(trainable)
    loss_of(trainable).backward()
    trained = trainable.trained_parameters()
    assert {key for key, parameter in trained.items() if parameter.grad is None} <= UNUSED
    ours = set(map(id, trained.values()))
    frozen = [parameter for parameter in trainable.model.parameters() if id(parameter) not in ours]
    assert all(parameter.grad is None for parameter in frozen)
    assert (trainable.positions is not None) == isinstance(reducer, TempMe)
    assert any(key.startswith("positions.") for key in trained) == isinstance(reducer, TempMe)


UNUSED = {"positions.vectors.0", "model.logit_scale"}
"""Where 1 clip is glued there is nothing to place, and adapters leave the temperature alone."""


def test_adapters_are_all_that_the_lora_recipe_trains_of_a_model() -> None:
    trainable = prepare_for_training(small_timm_clip(), Unreduced(), small("tempme"))
    names = set(trainable.trained_parameters())
    assert all(".adapter." in name for name in names)
    assert len(names) == 2 * (4 + 3)  # two matrices a block of either tower


def test_fresh_adapters_and_positions_change_no_vector() -> None:
    model, given = small_clip(), inputs()
    before = VideoTower(model.visual, MERGING, FRAMES).run(given[0]).vectors
    trainable = prepare_for_training(model, MERGING, small("tempme"))
    assert torch.equal(run(trainable, trainable.reducer, given)[0], before)


def test_positions_are_learned_at_a_rate_of_their_own_when_all_is_trained() -> None:
    trainable = prepare_for_training(small_clip(), MERGING, small("tempme-full"))
    peaks = {group["name"]: group["peak"] for group in trainable.parameter_groups()}
    assert peaks == {"model, decayed": 5e-6, "model, not decayed": 5e-6, "clip positions, decayed": 6e-4}


def test_positions_that_were_learned_before_are_learned_further() -> None:
    first = prepare_for_training(small_clip(), MERGING, small("tempme"))
    again = prepare_for_training(small_clip(), first.reducer, small("tempme"))
    assert again.positions is first.positions is not None


def test_equal_seeds_draw_equal_adapters() -> None:
    model = small_clip()
    drawn = []
    for _ in range(2):
        torch.manual_seed(7)
        drawn.append(
            prepare_for_training(copy.deepcopy(model), MERGING, small("tempme")).trained_parameters()
        )
    assert all(torch.equal(parameter, drawn[1][name]) for name, parameter in drawn[0].items())


@pytest.mark.parametrize("build", ENCODERS)
def test_a_finished_model_is_a_plain_one_with_the_same_vectors(build: Callable[[], DualEncoder]) -> None:
    plain, given = build(), inputs()
    trainable = prepare_for_training(copy.deepcopy(plain), MERGING, small("tempme"))
    open_up(trainable)
    trainable.train()
    with torch.no_grad():
        trained = run(trainable, trainable.serving_reducer, given)
        finish(trainable)
        merged = run(trainable, trainable.serving_reducer, given)
    torch.testing.assert_close(merged, trained, rtol=1e-4, atol=1e-4)
    model = trainable.model
    assert [type(module) for module in model.modules()] == [type(module) for module in plain.modules()]
    assert model.state_dict().keys() == plain.state_dict().keys()
    assert not any(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert prepare_for_training(model, Unreduced(), small("centerclip")).trained_parameters()


def test_a_copy_is_finished_while_the_original_trains_on() -> None:
    trainable = prepare_for_training(small_clip(), MERGING, small("tempme"))
    twin = copy.deepcopy(trainable)
    finish(twin)
    assert not any(isinstance(module, LowRankAttention) for module in twin.model.modules())
    assert sum(isinstance(module, LowRankAttention) for module in trainable.model.modules()) == 7
    assert isinstance(twin.reducer, TempMe) and twin.reducer.positions is twin.positions
    assert twin.positions is not trainable.positions


def test_what_a_model_was_built_with_frozen_stays_frozen() -> None:
    model = small_clip()
    model.token_embedding.requires_grad_(False)
    trainable = prepare_for_training(model, Unreduced(), small("centerclip"))
    assert "model.token_embedding.weight" not in trainable.trained_parameters()
    finish(trainable)
    assert not model.token_embedding.weight.requires_grad and model.positional_embedding.requires_grad


def test_a_model_that_is_frozen_throughout_is_refused() -> None:
    with pytest.raises(ValueError, match="every one of this model is frozen"):
        prepare_for_training(small_clip().requires_grad_(False), Unreduced(), small("centerclip"))


def test_batch_norms_keep_their_statistics_and_their_scales() -> None:
    model = small_convolutional_clip()
    trainable = prepare_for_training(model, FewerFrames(2), small("centerclip"))
    trainable.train()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    loss_of(trainable).backward()
    assert all(torch.equal(buffer, before[name]) for name, buffer in model.named_buffers())
    trained = trainable.trained_parameters()
    assert "model.visual.conv1.weight" in trained and "model.visual.bn1.weight" not in trained
    assert model.training and model.visual.conv1.training and not model.visual.bn1.training
    assert model.visual.bn1.weight.grad is None


def test_a_stem_whose_batch_norms_are_folded_in_is_not_trained() -> None:
    stem = MobileNetStem((Stem(1, 16, 1, 2),), last_channels=8)
    model = small_clip()
    model.visual.stem = stem

    trainable = prepare_for_training(model, Unreduced(), small("centerclip"))

    assert not any(".stem." in name for name in trainable.trained_parameters())
    assert trainable.trained_parameters()


@pytest.mark.parametrize(("value", "limited"), [(9.0, math.log(100)), (-2.0, 0.1), (3.0, 3.0)])
def test_a_trained_temperature_is_kept_in_its_range(value: float, limited: float) -> None:
    trainable = prepare_for_training(small_clip(), Unreduced(), small("centerclip"))
    trainable.model.logit_scale.data.fill_(value)
    trainable.limit_temperature()
    assert trainable.model.logit_scale.item() == pytest.approx(limited)


def test_a_frozen_temperature_is_left_alone() -> None:
    trainable = prepare_for_training(small_clip(), Unreduced(), small("tempme"))
    trainable.model.logit_scale.data.fill_(9.0)
    trainable.limit_temperature()
    assert trainable.model.logit_scale.item() == 9.0


def test_a_bias_of_the_logits_is_not_trained() -> None:
    model = small_clip()
    model.logit_bias = nn.Parameter(torch.tensor(-10.0))
    trainable = prepare_for_training(model, Unreduced(), small("centerclip"))
    assert "model.logit_scale" in trainable.trained_parameters()
    assert "model.logit_bias" not in trainable.trained_parameters()


def test_sparse_sampling_draws_in_training_and_is_served_as_it_is_named() -> None:
    trainable = prepare_for_training(small_clip(), SparseSampling(STAGE), small("centerclip"))
    assert trainable.reducer == SparseSampling(STAGE, is_random=True)
    assert trainable.serving_reducer.name == "sparse:B2-2,16"
    assert not trainable.reducer.is_repeatable and trainable.serving_reducer.is_repeatable
    assert serving_form(SparseSampling(STAGE)) == SparseSampling(STAGE)


@pytest.mark.parametrize("reducer", [*REDUCERS, FewerFrames(2)], ids=lambda reducer: reducer.name)
def test_all_other_reducers_are_served_as_they_train(reducer: TokenReducer) -> None:
    assert training_form(reducer) is reducer is serving_form(reducer)


def test_frames_that_a_reducer_cannot_take_are_refused_and_nothing_is_changed() -> None:
    model = small_clip()
    with pytest.raises(ValueError, match="glues 12 frames into one sequence, and there are 4"):
        prepare_for_training(model, TempMe((2, 2, 3), 1, 0.7, 0.9, layers=4), small("tempme"))
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_tower_that_takes_no_adapters_is_refused_and_nothing_is_changed() -> None:
    model = small_convolutional_clip()
    with pytest.raises(
        ValueError, match=r"visual tower, a ModifiedResNet, has no block .* such as centerclip"
    ):
        prepare_for_training(model, Unreduced(), small("tempme"))
    assert all(parameter.requires_grad for parameter in model.parameters())
