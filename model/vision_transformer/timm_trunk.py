"""Vision transformers that open_clip takes from timm in parts: SigLIP 2, MobileCLIP2-B and -L, PE-Core.

The tower of the bundled model is one too.
"""

from typing import Any

from open_clip.timm_model import TimmModel
from timm.layers.attention import Attention
from timm.models.eva import Eva
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor

from model.token_reduction.base import Tokens
from model.vision_transformer.eva_trunk import EvaTrunk
from model.vision_transformer.timm_parts import TimmParts, refuse


class TimmTrunk(TimmParts):
    """A Trunk of a timm VisionTransformer with ordinary blocks; positions are added at the input.

    Raises ValueError for one with other blocks, or one that pools some of its tokens by attention.
    """

    def __init__(self, tower: TimmModel) -> None:
        _require_ordinary_blocks(tower.trunk)
        super().__init__(tower)

    def embed(self, pictures: Tensor, frames: int) -> Tokens:
        """Return the tokens (B*T, c+N, C) of pictures (B*T, 3, H, W)."""
        trunk = self._trunk
        values = trunk.norm_pre(trunk._pos_embed(trunk.patch_embed(pictures)))
        return Tokens(values, frames, self.shape.class_tokens)

    def _scale_attended(self, parts: Any, values: Tensor) -> Tensor:
        scaled: Tensor = parts.ls1(values)
        return scaled

    def _scale_fed(self, parts: Any, values: Tensor) -> Tensor:
        scaled: Tensor = parts.ls2(values)
        return scaled


def open_timm_trunk(tower: TimmModel) -> TimmParts:
    """Return the Trunk of a TimmModel; raises ValueError, with the presets that work, if it has none."""
    if isinstance(tower.trunk, Eva):
        return EvaTrunk(tower)
    if isinstance(tower.trunk, VisionTransformer):
        return TimmTrunk(tower)
    raise refuse(tower.trunk, "it is no plain vision transformer")


def _require_ordinary_blocks(trunk: Any) -> None:
    for block in trunk.blocks:
        if type(block) is not Block or type(block.attn) is not Attention or block.attn.gate is not None:
            raise refuse(trunk, f"its blocks are {type(block).__name__}s with {type(block.attn).__name__}")
    if trunk.attn_pool is not None and trunk.num_prefix_tokens > 0:
        raise refuse(trunk, "it leaves its class token out when it pools by attention")
