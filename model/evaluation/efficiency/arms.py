"""What is compared: each reducer, in the same tower with the same random weights.

Speed and memory do not depend on what the weights are, so none are downloaded.
"""

from dataclasses import dataclass

import open_clip
import torch
from torch import nn

from model.checkpoint import ModelSource, preprocessing_of
from model.config import PRESETS
from model.evaluation.macs import count_macs
from model.token_reduction.base import MANY_PATCHES, LayerTokens, TokenReducer, TowerShape
from model.token_reduction.naming import parse_reduction
from model.token_reduction.segments import default_tokens
from model.vision_transformer.trunk import Trunk
from model.vision_transformer.video_tower import VideoTower, open_trunk

UNREDUCED = "none"

PAPER_SEGMENTS = {12: (6, 4, 3), 60: (20, 15, 12)}
"""S of CenterCLIP (arXiv 2205.00823, tables 1 to 4) by the frames of a video, for patches of 32 pixels."""

PAPER_SEGMENTS_OF_MANY_PATCHES = {12: (4,), 60: (15,)}
"""The same for patches of 16 pixels."""


@dataclass(frozen=True)
class Backbone:
    """The visual tower of a dual encoder, and the pictures it wants."""

    name: str
    tower: nn.Module
    trunk: Trunk
    image_size: int
    """Pixels a side."""


@dataclass(frozen=True)
class Arm:
    """One reducer in one backbone."""

    backbone: str
    reduction: str
    """The reducer's canonical name."""
    tower: VideoTower
    macs: int
    """Multiply-accumulates of the tower a video; the choice of tokens is not among them."""

    @property
    def layers(self) -> tuple[LayerTokens, ...]:
        """The tokens of one video in each block."""
        return self.tower.schedule


def build_backbone(name: str, seed: int = 0) -> Backbone:
    """Return the visual tower of a preset or architecture with random weights, float32, on the CPU.

    Raises ValueError for an unknown name, and for a tower in which no token can be reduced.
    """
    source = _source_of(name)
    torch.manual_seed(seed)
    model = source.build(is_trained=False)
    tower = model.visual.to(torch.float32)
    return Backbone(name, tower, open_trunk(tower), preprocessing_of(model).image_size)


def build_arms(backbone: Backbone, reductions: list[str], frames: int) -> list[Arm]:
    """Return an arm a reduction, ``none`` first; without ``reductions``, those of the papers with controls.

    Raises ValueError for a reduction that is unknown or does not fit.
    """
    shape = backbone.trunk.shape
    names = reductions or paper_reductions(shape, frames)
    reducers = {r.name: r for r in (parse_reduction(name, shape, frames) for name in [UNREDUCED, *names])}
    return [_build_arm(backbone, reducer, frames) for reducer in reducers.values()]


def paper_reductions(shape: TowerShape, frames: int) -> list[str]:
    """Return the names of the papers' settings for such a tower and such videos, and of the controls."""
    has_many_patches = shape.patches > MANY_PATCHES
    table = PAPER_SEGMENTS_OF_MANY_PATCHES if has_many_patches else PAPER_SEGMENTS
    block = shape.layers // 2
    tokens = default_tokens(shape.patches)
    segments = table.get(frames)
    if segments is None:
        return ["centerclip", "tempme", "pooling", "sparse", "frames", "tome", "pitome"]
    control = segments[len(segments) // 2]
    return [
        *(f"centerclip:B{block}-{count},{tokens}" for count in segments),
        "tempme",
        *([] if has_many_patches else [f"spectral:B{block}-{control},{tokens}"]),
        f"pooling:B{block}-{control}",
        f"sparse:B{block}-{control},{tokens}",
        "frames",
        "tome",
        "pitome",
    ]


def _build_arm(backbone: Backbone, reducer: TokenReducer, frames: int) -> Arm:
    tower = VideoTower(backbone.tower, reducer, frames)
    macs = count_macs(backbone.trunk, tower.schedule, tower.vectors_per_video)
    return Arm(backbone.name, reducer.name, tower, macs)


def _source_of(name: str) -> ModelSource:
    if name in PRESETS:
        return PRESETS[name].source
    if name in open_clip.list_models():
        return ModelSource(name)
    raise ValueError(
        f"there is no backbone {name!r}: name one of {', '.join(PRESETS)}, "
        "or an open_clip architecture such as ViT-L-14"
    )
