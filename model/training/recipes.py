"""Training recipes as published, and one for a user's own folder.

``centerclip`` is CLIP4Clip's (arXiv 2104.08860) as CenterCLIP ran it (arXiv 2205.00823, section 4; MODEL-SPEC
1.8): everything is trained. ``tempme`` trains adapters and clip positions alone (arXiv 2409.01156, section 4;
MODEL-SPEC 2.6). Both take AdamW, and a rate that warms up linearly and falls along a cosine, step by step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; ``dataclasses.replace`` overrides."""

    name: str
    epochs: int
    """Times that every pair of video and caption is seen."""
    least_steps: int
    """Few pairs are seen more often, until there are so many steps."""
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
    least_steps=0,
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

_FOLDER = replace(
    _TEMPME,
    name="folder",
    epochs=10,
    least_steps=100,
    batch=32,
    learning_rate=2e-4,
    new_learning_rate=2e-4,
    words=77,
)
"""For a user's own tens to hundreds of clips; chosen by reasoning, and hardly measured.

Adapters begin exactly at the backbone and turn it by rank 8 at most, so that few clips cannot undo what it
knows of words that they never use; they take little memory besides. A folder has few different videos, so
batches are small. Their gradients are noisy, so the rate is a third of TempMe's: at 1e-3, without alteration,
64 pans over photographs took the bundled model's R-Sum on 120 others from 108.0 to 97.8 in 60 steps. At this
rate 20 steps moved it by less than a point, so there are a hundred at least. Frames are altered at random, as
few clips are soon known by heart. With the second bundled model 60 steps of 16 pairs moved it by less than a
point too, and all weights at 5e-5 by six (docs/benchmarks.md): large towers bear no such rate.
"""

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
        _FOLDER,
    )
}
"""The recipes by name; those of long videos end in ``-long``."""


def recipe_for(name: str, dataset: str) -> Recipe:
    """Return the recipe called ``name``, or its ``-long`` form for a ``dataset`` of long videos.

    Raises ValueError for an unknown name.
    """
    if name not in RECIPES:
        raise ValueError(f"there is no training recipe {name!r}: known are {', '.join(RECIPES)}")
    long_name = f"{name}-long"
    return RECIPES[long_name if dataset in _LONG_VIDEOS and long_name in RECIPES else name]
