"""What the papers' towers cost by MODEL-SPEC 7.1 and 4, and those towers without any numbers in them."""

from functools import cache
from typing import NamedTuple

from open_clip.transformer import VisionTransformer
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from model.token_reduction.naming import parse_reduction
from model.vision_transformer.video_tower import VideoTower, open_trunk

NOTHING_COMPUTED = FakeTensorMode()
"""Shapes pass through the papers' towers here, and no numbers."""


class Published(NamedTuple):
    """A row of the table."""

    patch_size: int
    """Of ViT-B: 32 or 16."""
    frames: int
    reduction: str
    macs: int
    """Multiply-accumulates of one video."""
    speedup: float | None = None
    """Over the same tower without reduction, were time in proportion to arithmetic."""


PUBLISHED = [
    Published(32, 12, "none", 52_905_738_240, 1.00),
    Published(32, 12, "centerclip:B6-6,49", 40_024_940_544, 1.32),
    Published(32, 12, "centerclip:B6-4,49", 35_731_341_312, 1.48),
    Published(32, 12, "centerclip:B6-3,49", 33_584_541_696, 1.58),
    Published(32, 12, "tempme:2-2-3/2/0.7/0.9", 34_707_371_520, 1.52),
    Published(16, 12, "none", 210_761_441_280, 1.00),
    Published(16, 12, "centerclip:B6-4,160", 134_378_078_208, 1.57),
    Published(16, 12, "tempme:2-2-3/10/0.6/0.8", 121_134_199_296, 1.74),
    Published(32, 60, "none", 264_528_691_200, 1.00),
    Published(32, 60, "centerclip:B6-20,49", 178_656_706_560, 1.48),
    Published(32, 60, "centerclip:B6-15,49", 167_922_708_480, 1.58),
    Published(32, 60, "centerclip:B6-12,49", 161_482_309_632, 1.64),
    Published(16, 60, "none", 1_053_807_206_400, 1.00),
    Published(16, 60, "centerclip:B6-15,160", 636_507_786_240, 1.66),
]

ROUNDED = [
    Published(32, 12, "centerclip:B3-4,49", 27_100_000_000, 1.95),
    Published(32, 12, "centerclip:B0-4,49", 18_600_000_000, 2.85),
    Published(32, 12, "tome:2", 40_100_000_000),
    Published(32, 12, "tome:3", 33_800_000_000),
    Published(16, 12, "tome:8", 157_200_000_000),
    Published(16, 12, "tome:10", 144_000_000_000),
    Published(16, 12, "tome:13", 124_400_000_000),
    Published(16, 12, "tome:16", 105_300_000_000),
    Published(32, 64, "tempme:4-4-4/2/0.7/0.9", 185_900_000_000),
]
"""Rows given to a tenth of 10⁹."""

ADAPTED = [
    Published(32, 12, "tempme:2-2-3/2/0.7/0.9", 34_825_999_872),
    Published(16, 12, "tempme:2-2-3/10/0.6/0.8", 121_555_948_032),
    Published(32, 12, "tempme:2-2-3/0/1/1", 54_280_765_440),
]
"""With adapters of rank 8 beside the weights; the last glues clips and merges nothing."""


@cache
def paper_tower(patch_size: int) -> VisionTransformer:
    """Return ViT-B as CLIP has it, of fake tensors."""
    with NOTHING_COMPUTED:
        return VisionTransformer(
            image_size=224, patch_size=patch_size, width=768, layers=12, heads=12, mlp_ratio=4, output_dim=512
        )


def video_tower(row: Published, tower: nn.Module | None = None) -> VideoTower:
    """Return the row's tower, or another, with the row's reducer."""
    tower = tower or paper_tower(row.patch_size)
    reducer = parse_reduction(row.reduction, open_trunk(tower).shape, row.frames)
    return VideoTower(tower, reducer, row.frames)
