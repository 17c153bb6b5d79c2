"""A model made ready to be trained by a recipe, and made plain again when it was.

All weights are trained, as in CLIP4Clip (arXiv 2104.08860) and CenterCLIP (arXiv 2205.00823), or adapters
alone, as in TempMe (arXiv 2409.01156, section 4); TempMe's clip positions with either.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from open_clip.model import CLIP
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from model.checkpoint import DualEncoder
from model.lora import add_lora, merge_lora, takes_lora
from model.token_reduction.base import TokenReducer
from model.token_reduction.sparse_sampling import SparseSampling
from model.token_reduction.tempme import ClipPositions, TempMe
from model.training.parameter_groups import ParameterGroup, group_by_decay
from model.training.recipes import Recipe
from model.vision_transformer.mobilenet_hybrid import MobileNetStem
from model.vision_transformer.video_tower import VideoTower, open_trunk

ADAPTER_RANK = 8

LOGIT_SCALE_RANGE = (0.1, math.log(100))
"""Of the logarithm of what cosines are multiplied by: 1.1 to 100 (MODEL-SPEC 1.7)."""


@dataclass(frozen=True)
class TrainableModel:
    """A model whose trained parameters, and no others, take gradients. ``copy.deepcopy`` copies all of it."""

    model: DualEncoder
    recipe: Recipe
    reducer: TokenReducer
    """What the video tower trains with; it holds ``positions``."""
    positions: ClipPositions | None
    """TempMe's learned places in time, on the model's device; None with any other reducer."""
    thawed_before: frozenset[str]
    """The model's parameters that took gradients before it was prepared."""

    @property
    def serving_reducer(self) -> TokenReducer:
        """The reducer to validate and to serve with: ``reducer``, but for what it draws at random."""
        return serving_form(self.reducer)

    def trained_parameters(self) -> dict[str, nn.Parameter]:
        """Return by name all that is trained: ``model.…`` and ``positions.…``."""
        return {**self._trained_in_model(), **self._positions()}

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return the groups for ``torch.optim.AdamW``, each with its peak rate and weight decay."""
        recipe = self.recipe
        decay = recipe.weight_decay
        return [
            *group_by_decay("model", self._trained_in_model(), recipe.learning_rate, decay),
            *group_by_decay("clip positions", self._positions(), recipe.new_learning_rate, decay),
        ]

    def train(self) -> None:
        """Put the model in training; batch norms keep their stored statistics.

        A batch's own would differ by micro-batch and process, and so would the vectors.
        """
        self.model.train()
        for norm in _batch_norms(self.model):
            norm.eval()

    def limit_temperature(self) -> None:
        """Put a trained ``logit_scale`` back between 0.1 and ln 100: to be called after every step."""
        scale = self.model.logit_scale
        if scale.requires_grad:
            with torch.no_grad():
                scale.clamp_(*LOGIT_SCALE_RANGE)

    def _trained_in_model(self) -> dict[str, nn.Parameter]:
        named = self.model.named_parameters()
        return {f"model.{name}": parameter for name, parameter in named if parameter.requires_grad}

    def _positions(self) -> dict[str, nn.Parameter]:
        named = () if self.positions is None else self.positions.named_parameters()
        return {f"positions.{name}": parameter for name, parameter in named}


def prepare_for_training(model: DualEncoder, reducer: TokenReducer, recipe: Recipe) -> TrainableModel:
    """Return the model, in place, with what ``recipe`` trains thawed or added, and all else frozen.

    Adapters are drawn from torch's random numbers: seed these first, alike in every process. Batch norms, and
    convolutions that theirs are folded into, stay as they are; so does a bias of the logits, which the loss
    cannot see. Raises ValueError if the reducer does not fit tower and frames, for adapters where a tower
    takes none, and if nothing would be trained.
    """
    VideoTower(model.visual, reducer, recipe.frames)  # raises before anything is changed
    before = frozenset(name for name, parameter in model.named_parameters() if parameter.requires_grad)
    if recipe.trains == "lora":
        _require_places_for_adapters(model)
        add_lora(model, ADAPTER_RANK)
    else:
        _freeze_what_never_trains(model)
    reducer = training_form(reducer)
    positions = None
    if isinstance(reducer, TempMe):
        positions = reducer.positions or _new_positions(model, reducer, recipe.frames)
        reducer = replace(reducer, positions=positions.requires_grad_(True))
    trainable = TrainableModel(model, recipe, reducer, positions, before)
    if not trainable.trained_parameters():
        raise ValueError(f"{recipe.name} trains all weights, and every one of this model is frozen")
    return trainable


def finish(trainable: TrainableModel) -> None:
    """Merge adapters into the weights: the model is open_clip's own again, in evaluation.

    Its parameters take gradients or not as before it was prepared.
    """
    merge_lora(trainable.model)
    for name, parameter in trainable.model.named_parameters():
        parameter.requires_grad_(name in trainable.thawed_before)
    trainable.model.eval()


def training_form(reducer: TokenReducer) -> TokenReducer:
    """Return the reducer to train with: sparse sampling draws while it trains (arXiv 2205.00823)."""
    return replace(reducer, is_random=True) if isinstance(reducer, SparseSampling) else reducer


def serving_form(reducer: TokenReducer) -> TokenReducer:
    """Return the reducer to serve with, which is the same every time; a model is saved under its name."""
    return replace(reducer, is_random=False) if isinstance(reducer, SparseSampling) else reducer


def _new_positions(model: DualEncoder, reducer: TempMe, frames: int) -> ClipPositions:
    positions = ClipPositions(open_trunk(model.visual).width, reducer.gluing, frames)
    return positions.to(model.logit_scale.device)


def _require_places_for_adapters(model: DualEncoder) -> None:
    text = model.transformer if isinstance(model, CLIP) else model.text
    for side, tower in (("visual", model.visual), ("text", text)):
        if not takes_lora(tower):
            raise ValueError(
                f"the {side} tower, a {type(tower).__name__}, has no block that takes an adapter: choose a "
                "recipe that trains all weights, such as centerclip"
            )


def _freeze_what_never_trains(model: DualEncoder) -> None:
    for part in (*_batch_norms(model), *_folded_stems(model)):
        part.requires_grad_(False)
    if getattr(model, "logit_bias", None) is not None:
        model.logit_bias.requires_grad_(False)


def _batch_norms(model: nn.Module) -> Iterator[nn.Module]:
    return (module for module in model.modules() if isinstance(module, _BatchNorm))


def _folded_stems(model: nn.Module) -> Iterator[nn.Module]:
    """Yield convolutions whose batch norms went into their weights: these stay as they are, as norms do."""
    return (module for module in model.modules() if isinstance(module, MobileNetStem))
