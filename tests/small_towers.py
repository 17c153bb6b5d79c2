"""Towers of open_clip's own kind with random weights, small enough for any test."""

from open_clip.transformer import VisionTransformer

from model.evaluation.efficiency.arms import Backbone
from model.vision_transformer.video_tower import open_trunk

IMAGE_SIZE = 32


def small_tower(layers: int = 6) -> VisionTransformer:
    """Return a tower with 16 patches of 8 pixels a side, 32 channels and vectors of 8 numbers."""
    return VisionTransformer(
        image_size=IMAGE_SIZE,
        patch_size=8,
        width=32,
        layers=layers,
        heads=2,
        mlp_ratio=4,
        output_dim=8,
    )


def small_backbone(name: str = "small") -> Backbone:
    """Return such a tower as a backbone to measure."""
    tower = small_tower()
    return Backbone(name, tower, open_trunk(tower), IMAGE_SIZE)
