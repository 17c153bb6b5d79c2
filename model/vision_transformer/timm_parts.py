"""What the vision transformers that open_clip takes from timm have in common: blocks, pooling, head, cost.

timm's VisionTransformer and Eva differ in how positions enter; that is left to the trunks of the two.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from open_clip.timm_model import TimmModel
from timm.layers.attention_pool import AttentionPoolLatent
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.hybrid_embed import HybridEmbed
from timm.layers.patch_embed import PatchEmbed
from timm.models.vision_transformer_hybrid import ConvStem
from torch import Tensor, nn

from model.fused_attention import fused_attention, size_bias, split_heads
from model.token_reduction.base import Tokens, TowerShape
from model.vision_transformer.chunks import add_in_chunks
from model.vision_transformer.mobilenet_hybrid import MobileNetStem
from model.vision_transformer.patch_mean import mean_patch, normalise_parts
from model.vision_transformer.trunk import TrunkCost, irreducible

Turn = Callable[[Tensor, slice], Tensor]
"""Turns queries or keys (p, heads, n, C/heads) of some of the sequences by their tokens' positions."""


class TimmParts(ABC):
    """A Trunk of a TimmModel, but for its positions.

    Class tokens are pooled one by one; a tower that pools by attention (MAP), or averages its patches, gives
    one vector a sequence. Where patches are averaged, registers are class tokens to a reducer.
    Raises ValueError for a tower that pools, or embeds patches, in another way.
    """

    def __init__(self, tower: TimmModel) -> None:
        _require_pooling(tower.trunk)
        _require_fixed_patches(tower.trunk)
        self._trunk: Any = tower.trunk
        self._head: nn.Sequential = tower.head
        self._blocks: list[Any] = list(tower.trunk.blocks)

    @property
    def shape(self) -> TowerShape:
        """The patches of the grid, and the tokens before them if the tower has any."""
        trunk = self._trunk
        return TowerShape(len(self._blocks), int(trunk.patch_embed.num_patches), int(trunk.num_prefix_tokens))

    @property
    def width(self) -> int:
        """C of the embedding."""
        return int(self._trunk.embed_dim)

    @property
    def dimension(self) -> int:
        """D: what the last projection gives, or the width where there is none."""
        projections = self._projections()
        return projections[-1].out_features if projections else self.width

    @property
    def cost(self) -> TrunkCost:
        """Multiply-accumulates of the parts (MODEL-SPEC 7.1)."""
        width = self.width
        pool = self._trunk.attn_pool
        pool_vector = sum(layer.in_features * layer.out_features for layer in self._projections())
        if pool is not None:
            pool_vector += 2 * width**2 + 2 * width * pool.mlp.fc1.out_features
        return TrunkCost(
            embed_picture=self._count_embedding(),
            project_token=4 * width**2,
            attend_pair=2 * width,
            feed_forward_token=2 * width * self._blocks[0].mlp.fc1.out_features,
            pool_token=0 if pool is None else 2 * width**2 + 2 * width,
            pool_vector=pool_vector,
        )

    @property
    def is_checkpointed(self) -> bool:
        """The trunk's flag."""
        return bool(self._trunk.grad_checkpointing)

    @abstractmethod
    def embed(self, pictures: Tensor, frames: int) -> Tokens:
        """Return the tokens (B*T, c+N, C) of pictures (B*T, 3, H, W)."""

    def attend(self, block: int, tokens: Tokens, *, with_keys: bool) -> tuple[Tokens, Tensor | None]:
        """Return x + Attention(LayerNorm(x)) and, if asked, the unturned head-mean keys (B*S, n, C/heads)."""
        parts = self._blocks[block]
        turn = self._turn_of(tokens)
        mean_keys: list[Tensor] = []

        def attention(values: Tensor, rows: slice) -> Tensor:
            queries, keys, seen = split_heads(parts.attn.qkv(parts.norm1(values)), parts.attn.num_heads)
            queries, keys = parts.attn.q_norm(queries), parts.attn.k_norm(keys)
            if with_keys:
                mean_keys.append(keys.mean(1))
            sizes = None if tokens.sizes is None else tokens.sizes[rows]
            attended = fused_attention(turn(queries, rows), turn(keys, rows), seen, sizes)
            projected = parts.attn.proj_drop(parts.attn.proj(parts.attn.norm(attended)))
            return parts.drop_path1(self._scale_attended(parts, projected))  # type: ignore[no-any-return]

        values = add_in_chunks(attention, tokens.values)
        return replace(tokens, values=values), torch.cat(mean_keys) if with_keys else None

    def feed_forward(self, block: int, tokens: Tokens) -> Tokens:
        """Return x + MLP(LayerNorm(x))."""
        parts = self._blocks[block]

        def widen_and_narrow(values: Tensor, _: slice) -> Tensor:
            fed = self._scale_fed(parts, parts.mlp(parts.norm2(values)))
            return parts.drop_path2(fed)  # type: ignore[no-any-return]

        # While training, stochastic depth skips the MLP of whole sequences, so these are not taken apart.
        in_tokens = not parts.training
        return replace(
            tokens, values=add_in_chunks(widen_and_narrow, tokens.values, rows_are_tokens=in_tokens)
        )

    def pool(self, tokens: Tokens) -> Tensor:
        """Return projected vectors (B*V, D): of each class token, or of each sequence."""
        trunk = self._trunk
        if trunk.global_pool == "avg":
            pooled = mean_patch(trunk.norm(tokens.values), tokens)  # (B*S, C)
        elif trunk.attn_pool is None:
            pooled = trunk.norm(tokens.values[:, : tokens.class_tokens].flatten(0, 1))  # (B*S*c, C)
        else:
            bias = size_bias(tokens.sizes, tokens.values.dtype)
            pooled = trunk.attn_pool(trunk.norm(tokens.values), attn_mask=bias)  # (B*S, C)
        vectors: Tensor = self._head(trunk.head(trunk.head_drop(trunk.fc_norm(pooled))))
        return vectors

    def divide(self, tokens: Tokens) -> Tensor | None:
        """Return the parts (B*S, n-c, D) of the vectors of a tower that averages its patches."""
        trunk = self._trunk
        if trunk.global_pool != "avg":
            return None
        values = trunk.norm(tokens.values)
        pooled = mean_patch(values, tokens)
        parts = normalise_parts(trunk.fc_norm, values[:, tokens.class_tokens :], pooled)
        divided: Tensor = self._head(trunk.head(trunk.head_drop(parts)))
        return divided

    def count_vectors(self, class_tokens: int) -> int:
        """Return one vector a class token, or one a sequence."""
        return class_tokens if self._trunk.global_pool == "token" else 1

    @abstractmethod
    def _scale_attended(self, parts: Any, values: Tensor) -> Tensor:
        """Return what attention gives times the block's learned scale, if it has one."""

    @abstractmethod
    def _scale_fed(self, parts: Any, values: Tensor) -> Tensor:
        """Return what the MLP gives times the block's learned scale, if it has one."""

    def _turn_of(self, tokens: Tokens) -> Turn:
        return lambda values, _: values

    def _projections(self) -> list[nn.Linear]:
        layers = [*self._trunk.head.modules(), *self._head.modules()]
        return [layer for layer in layers if isinstance(layer, nn.Linear)]

    def _count_embedding(self) -> int:
        """Return the multiply-accumulates of convolutions that each see what the one before gives."""
        rows, columns = self._trunk.patch_embed.img_size
        total = 0
        for layer in self._trunk.patch_embed.modules():
            if isinstance(layer, nn.Conv2d):
                rows, columns = _count_places(layer, rows, 0), _count_places(layer, columns, 1)
                total += rows * columns * layer.weight.numel()
        return total


def refuse(trunk: nn.Module, reason: str) -> ValueError:
    """Return the error for a timm model that does not come apart."""
    architecture = getattr(trunk, "default_cfg", {}).get("architecture", "of no name")
    return irreducible(f"{type(trunk).__name__} {architecture}", reason)


def _require_pooling(trunk: Any) -> None:
    averages_patches = trunk.global_pool == "avg" and not getattr(trunk, "pool_include_prefix", False)
    if averages_patches:
        return
    by_class_token = trunk.attn_pool is None and trunk.global_pool == "token"
    if not (by_class_token or type(trunk.attn_pool) is AttentionPoolLatent):
        how = "all its tokens" if trunk.global_pool == "avg" else repr(trunk.global_pool)
        raise refuse(trunk, f"it pools by {how}, not by its class token, by attention or by the mean patch")
    if trunk.reg_token is not None:
        raise refuse(trunk, "it has register tokens, which are neither patches nor pooled")


def _require_fixed_patches(trunk: Any) -> None:
    embedding = trunk.patch_embed
    is_stem = isinstance(embedding, HybridEmbed) and type(embedding.backbone) in (ConvStem, MobileNetStem)
    if not (is_stem or type(embedding) is PatchEmbed):
        raise refuse(trunk, "its patches come out of a convolutional network")
    if trunk.dynamic_img_size or not isinstance(trunk.patch_drop, nn.Identity | None):
        raise refuse(trunk, "it does not take the same number of patches from every picture")


def _count_places(layer: nn.Conv2d, pixels: int, axis: int) -> int:
    """Return at how many places along an axis of so many ``pixels`` the convolution gives an output."""
    stride = layer.stride[axis]
    if isinstance(layer, Conv2dSame):  # TensorFlow's padding: one for every stride begun
        return -(-pixels // stride)
    return (pixels + 2 * int(layer.padding[axis]) - layer.kernel_size[axis]) // stride + 1
