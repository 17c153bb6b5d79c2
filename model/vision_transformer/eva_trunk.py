"""The vision transformer of the Perception Encoder (PE-Core, arXiv 2504.13181), timm's Eva, in parts.

Absolute positions are added at the input, and every block turns queries and keys by their patch's place in
its frame (2-D RoPE, arXiv 2403.13298). A token keeps its place wherever it goes: angles follow ``origins``.
"""

from typing import Any

import torch
from open_clip.timm_model import TimmModel
from timm.layers.attention import AttentionRope
from timm.layers.pos_embed_sincos import RotaryEmbeddingCat, apply_rot_embed_cat
from timm.models.eva import EvaBlock
from torch import Tensor
from torch.nn.functional import pad

from model.token_reduction.base import Tokens
from model.vision_transformer.timm_parts import TimmParts, Turn, refuse


class EvaTrunk(TimmParts):
    """A Trunk of a timm Eva with rotary positions.

    Raises ValueError for one that is not built like PE-Core.
    """

    def __init__(self, tower: TimmModel) -> None:
        _require_rotary_blocks(tower.trunk)
        super().__init__(tower)
        self._rope: RotaryEmbeddingCat = tower.trunk.rope

    def embed(self, pictures: Tensor, frames: int) -> Tokens:
        """Return the tokens (B*T, c+N, C) of pictures (B*T, 3, H, W), with the places of the patches."""
        values, _ = self._trunk._pos_embed(self._trunk.patch_embed(pictures))
        values = self._trunk.norm_pre(values)
        _, patches, class_tokens = self.shape
        origins = torch.arange(patches, device=values.device).expand(values.shape[0], -1)  # (B*T, N)
        return Tokens(values, frames, class_tokens, origins=origins)

    def _turn_of(self, tokens: Tokens) -> Turn:
        angles = self._angles(tokens)
        is_shared = angles.shape[0] == 1
        half = self._blocks[0].attn.rotate_half

        def turn(values: Tensor, rows: slice) -> Tensor:
            return apply_rot_embed_cat(values, angles if is_shared else angles[rows], half=half)

        return turn

    def _angles(self, tokens: Tokens) -> Tensor:
        """Return each token's sines and cosines (B*S or 1, 1, n, 2C/heads); class tokens are not turned."""
        if tokens.origins is None:
            raise ValueError("the tokens lost their origins, which say how far rotary positions turn them")
        # Rows that are one in memory (stride 0, as embed makes them) are equal, so one stands for all.
        origins = tokens.origins[:1] if tokens.origins.stride(0) == 0 else tokens.origins
        sines, cosines = self._rope.get_embed().chunk(2, dim=-1)  # (N, C/heads) each
        table = torch.cat([pad(sines, (0, 0, 0, 1)), pad(cosines, (0, 0, 0, 1), value=1.0)], dim=-1)
        places = pad(origins % len(sines), (tokens.class_tokens, 0), value=len(sines))  # (B*S or 1, n)
        return table[places].unsqueeze(1)

    def _scale_attended(self, parts: Any, values: Tensor) -> Tensor:
        return values if parts.gamma_1 is None else parts.gamma_1 * values

    def _scale_fed(self, parts: Any, values: Tensor) -> Tensor:
        return values if parts.gamma_2 is None else parts.gamma_2 * values


def _require_rotary_blocks(trunk: Any) -> None:
    for block in trunk.blocks:
        if type(block) is not EvaBlock or type(block.attn) is not AttentionRope:
            raise refuse(trunk, f"its blocks are {type(block).__name__}s with {type(block.attn).__name__}")
        if block.attn.gate is not None or block.attn.qkv is None:
            raise refuse(trunk, "its attention projects queries, keys and values apart, or has a gate")
    if not isinstance(trunk.rope, RotaryEmbeddingCat) or trunk.rope.aug_active:
        raise refuse(trunk, "its rotary positions are not one fixed table for all blocks")
