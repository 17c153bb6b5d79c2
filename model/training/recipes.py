"""Training recipes as published, and a model made ready to be trained by one.

``centerclip`` is CLIP4Clip's (arXiv 2104.08860) as CenterCLIP ran it (arXiv 2205.00823, section 4; MODEL-SPEC
1.8): everything is trained. ``tempme`` trains adapters and clip positions alone (arXiv 2409.01156, section 4;
MODEL-SPEC 2.6). Both take AdamW, and a rate that warms up linearly and falls along a cosine, step by step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from torch import nn

from model.checkpoint import DualEncoder
from model.token_reduction.base import TokenReducer
from model.token_reduction.tempme import ClipPositions
from model.training.parameter_groups import ParameterGroup


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; ``dataclasses.replace`` overrides."""

    name: str
    epochs: int
    """Times that every pair of video and caption is seen."""
    batch: int
    """Pairs that are told apart in one step, over all devices."""
    learning_rate: float
    """The peak, of weights that come from a checkpoint; of adapters, where these are what is trained."""
    new_learning_rate: float
    """The peak, of what starts at zero beside them: clip positions."""
    betas: tuple[float, float]
    epsilon: float
    weight_decay: float
    """Of every trained tensor but biases."""
    warm_up: float
    """The share of all steps in which the rate rises."""
    gradient_norm: float
    """The most that the gradient of all trained tensors together may have."""
    words: int
    """Token ids of a caption, its start and end among them; more are cut off."""
    frames: int
    """T: frames of a video."""
    augments: bool
    """Whether the frames of a video are altered by RandAugment, all alike."""
    trains: Literal["all", "lora"]
    """All weights, or only adapters of rank 8 on the QKV projections, and clip positions with either."""


_CENTERCLIP = Recipe(
    name="centerclip",
    epochs=5,
    batch=128,
    learning_rate=5e-6,
    new_learning_rate=5e-3,
    betas=(0.9, 0.98),
    epsilon=1e-6,
    weight_decay=0.2,
    warm_up=0.1,
    gradient_norm=1.0,
    words=32,
    frames=12,
    augments=False,
    trains="all",
)
_TEMPME = replace(
    _CENTERCLIP,
    name="tempme",
    learning_rate=6e-4,
    new_learning_rate=6e-4,
    betas=(0.9, 0.999),
    augments=True,
    trains="lora",
)
_TEMPME_FULL = replace(_CENTERCLIP, name="tempme-full", new_learning_rate=6e-4, augments=True)
"""The weights at CLIP4Clip's rate, the clip positions at TempMe's: the paper's own rates are not known."""

_LONG_VIDEOS = frozenset({"activitynet", "didemo"})
"""Datasets of whole videos with a paragraph each, by their names in ``model.datasets``."""

RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _CENTERCLIP,
        replace(
            _CENTERCLIP,
            name="centerclip-long",
            epochs=8,
            learning_rate=1e-5,
            new_learning_rate=1e-2,
            words=77,
            frames=60,
        ),
        _TEMPME,
        replace(_TEMPME, name="tempme-long", words=64, frames=64),
        _TEMPME_FULL,
        replace(_TEMPME_FULL, name="tempme-full-long", words=64, frames=64),
        replace(_TEMPME, name="folder", epochs=10, batch=32, learning_rate=2e-4, words=77),
    )
}
"""The recipes by name. ``folder`` is for a user's own few clips."""


def recipe_for(name: str, dataset: str) -> Recipe:
    """Return the recipe called ``name``, or its ``-long`` form for a ``dataset`` of long videos.

    Raises ValueError for an unknown name.
    """
    if name not in RECIPES:
        raise ValueError(f"there is no training recipe {name!r}: known are {', '.join(RECIPES)}")
    long_name = f"{name}-long"
    return RECIPES[long_name if dataset in _LONG_VIDEOS and long_name in RECIPES else name]


@dataclass(frozen=True)
class TrainableModel:
    """A model whose trained parameters, and no others, take gradients."""

    model: DualEncoder
    recipe: Recipe
    reducer: TokenReducer
    """What the video tower trains with; it holds ``positions``."""
    positions: ClipPositions | None
    """TempMe's learned places in time, on the model's device; None with any other reducer."""

    @property
    def serving_reducer(self) -> TokenReducer:
        """The reducer to validate and to serve with: ``reducer``, but for what it draws at random."""
        raise NotImplementedError

    def trained_parameters(self) -> dict[str, nn.Parameter]:
        """Return by name all that is trained: ``model.…`` and ``positions.…``."""
        raise NotImplementedError

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return the groups for ``torch.optim.AdamW``, each with its peak rate and weight decay."""
        raise NotImplementedError

    def train(self) -> None:
        """Put the model in training; batch norms keep their stored statistics."""
        raise NotImplementedError

    def limit_temperature(self) -> None:
        """Put a trained ``logit_scale`` back between 0.1 and ln 100: to be called after every step."""
        raise NotImplementedError


def prepare_for_training(model: DualEncoder, reducer: TokenReducer, recipe: Recipe) -> TrainableModel:
    """Return the model, in place, with what ``recipe`` trains thawed or added, and all else frozen.

    Adapters are drawn from torch's random numbers: seed these first, alike in every process. Raises
    ValueError if the reducer does not fit tower and frames, and for adapters where a tower takes none.
    """
    raise NotImplementedError


def finish(trainable: TrainableModel) -> None:
    """Merge adapters into the weights: the model is open_clip's own again, in evaluation."""
    raise NotImplementedError
