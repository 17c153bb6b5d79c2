"""A hybrid vision transformer whose patches come out of MobileNetV2: timm's ``vit_mobilenetv2_224``.

Dosovitskiy et al. 2021 (arXiv 2010.11929, section 3.1, "Hybrid Architecture") over the convolutions of
Sandler et al. 2018 (arXiv 1801.04381, table 2), whose batch norms are folded into weights and biases.
Importing this module is what lets open_clip build the tower, from the ``vision_cfg``
``{"timm_model_name": "vit_mobilenetv2_224", "timm_proj": "", "image_size": 224}``.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.hybrid_embed import HybridEmbed
from timm.models._registry import register_model
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import relu6
from torch.utils.checkpoint import checkpoint

from model.vision_transformer.chunks import map_in_chunks

CHUNK_PICTURES = 4
"""Measured best on one core, with 224 pixels, in float32 and bfloat16: 2 to 4 are equal, 24 half as fast.

What a block widens 24 pictures to has 115 MB, which malloc fetches from the system anew every time.
"""


class Stage(NamedTuple):
    """A row of the paper's table 2: blocks of one width, of which the first may stride."""

    expansion: int
    """t: how many times a block widens its input."""
    channels: int
    """c"""
    blocks: int
    """n"""
    stride: int
    """s of the first block; the others have 1."""


MOBILENET_V2 = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)
FIRST_CHANNELS = 32
LAST_CHANNELS = 1280


class InvertedResidual(nn.Module):
    """Widens, filters each channel, narrows; adds its input where it neither strides nor changes width."""

    def __init__(self, channels: int, stage: Stage, stride: int) -> None:
        super().__init__()
        widened = channels * stage.expansion
        self.expand = _convolution(channels, widened, 1) if stage.expansion > 1 else None
        self.depthwise = _convolution(widened, widened, 3, stride, groups=widened)
        self.project = _convolution(widened, stage.channels, 1)
        self.is_residual = stride == 1 and channels == stage.channels

    def forward(self, cells: Tensor) -> Tensor:
        """Return the cells (B, c, H/s, W/s) for the cells (B, C, H, W)."""
        widened = cells if self.expand is None else relu6(self.expand(cells), inplace=True)
        narrowed: Tensor = self.project(relu6(self.depthwise(widened), inplace=True))
        return cells + narrowed if self.is_residual else narrowed


class MobileNetStem(nn.Module):
    """MobileNetV2 without its classifier. The convolutions are registered in the order in which they run."""

    def __init__(self, stages: Sequence[Stage] = MOBILENET_V2, last_channels: int = LAST_CHANNELS) -> None:
        super().__init__()
        self.first = _convolution(3, FIRST_CHANNELS, 3, stride=2)
        self.blocks = nn.ModuleList()
        channels = FIRST_CHANNELS
        for stage in stages:
            for number in range(stage.blocks):
                stride = 1 if number else stage.stride
                self.blocks.append(InvertedResidual(channels, stage, stride))
                channels = stage.channels
        self.last = _convolution(channels, last_channels, 1)
        self.grad_checkpointing = False

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Keep only the narrow ends of blocks for the backward pass, or all that they compute."""
        self.grad_checkpointing = enable

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the cells (B, 1280, H/32, W/32) of pictures (B, 3, H, W); frozen, it keeps no graph."""
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        is_trained = pictures.requires_grad or any(part.requires_grad for part in self.parameters())
        with torch.set_grad_enabled(torch.is_grad_enabled() and is_trained):
            return map_in_chunks(self._forward, pictures, CHUNK_PICTURES)

    def narrow_cells(self, pictures: Tensor) -> Tensor:
        """Return the cells (B, 320, H/32, W/32) that enter the last convolution."""
        cells = relu6(self.first(pictures), inplace=True)
        for block in self.blocks:
            if self.grad_checkpointing and torch.is_grad_enabled():
                cells = checkpoint(block, cells, use_reentrant=False)
            else:
                cells = block(cells)
        return cells

    def widen(self, cells: Tensor) -> Tensor:
        """Return the cells (B, 1280, H/32, W/32) that leave the last convolution."""
        return relu6(self.last(cells), inplace=True)

    def _forward(self, pictures: Tensor) -> Tensor:
        return self.widen(self.narrow_cells(pictures))


@register_model
def vit_mobilenetv2_224(
    *, num_classes: int = 256, global_pool: Literal["avg"] = "avg", pretrained: bool = False, **options: Any
) -> VisionTransformer:
    """Return 4 blocks of width 256 over the 7x7 cells of MobileNetV2, pooled by their mean.

    ``options`` are those of timm's VisionTransformer, such as ``drop_path_rate``. Raises ValueError if
    pretrained weights are asked for: timm has none of it.
    """
    if pretrained:
        raise ValueError("timm has no weights for vit_mobilenetv2_224: set timm_model_pretrained to false")
    options = {name: value for name, value in options.items() if name not in _MEANT_FOR_DOWNLOADS}
    trunk: Any = VisionTransformer(
        img_size=224,
        patch_size=1,
        num_classes=num_classes,
        global_pool=global_pool,
        embed_dim=256,
        depth=4,
        num_heads=4,
        class_token=False,
        embed_layer=partial(HybridEmbed, backbone=MobileNetStem()),
        **options,
    )
    trunk.default_cfg = {"architecture": "vit_mobilenetv2_224"}
    return trunk  # type: ignore[no-any-return]


_MEANT_FOR_DOWNLOADS = frozenset({"pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"})
"""What timm passes to every model, for the weights that it would download."""


def _convolution(channels: int, filters: int, side: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """Return a convolution that pads as TensorFlow does, where the published weights were trained."""
    if stride == 1:
        return nn.Conv2d(channels, filters, side, padding=side // 2, groups=groups)
    return Conv2dSame(channels, filters, side, stride, groups=groups)
