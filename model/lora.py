"""LoRA (arXiv 2106.09685) as TempMe (arXiv 2409.01156) trains it: on the joint QKV projection of every block.

W x + b becomes W x + b + B A x, with A (r, C) Kaiming-uniform, B (3C, r) zero at first, r = 8, no scaling and
no dropout. Nothing else is trained. Merged into W, an adapter costs nothing.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from model.fused_attention import split_heads


class LowRankUpdate(nn.Module):
    """B A x beside a projection ``weight`` (out, C), which it adds nothing to at first."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        out, width = weight.shape
        self.down = nn.Parameter(weight.new_empty(rank, width))
        self.up = nn.Parameter(weight.new_zeros(out, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, values: Tensor) -> Tensor:
        """Return the update (..., out) for values (..., C)."""
        update: Tensor = linear(linear(values, self.down), self.up)
        return update

    def merge_into(self, weight: Tensor) -> None:
        """Add B A to ``weight`` in place; the product is computed in float32 at least."""
        precise = torch.promote_types(weight.dtype, torch.float32)
        with torch.no_grad():
            weight.copy_(weight.to(precise) + self.up.to(precise) @ self.down.to(precise))


class LowRankLinear(nn.Linear):
    """A linear layer with an adapter; its weights are those of ``plain``, not copies."""

    def __init__(self, plain: nn.Linear, rank: int) -> None:
        super().__init__(plain.in_features, plain.out_features, plain.bias is not None, device="meta")
        self.weight, self.bias = plain.weight, plain.bias
        self.adapter = LowRankUpdate(plain.weight, rank)

    def forward(self, values: Tensor) -> Tensor:
        """Return W x + b + B A x."""
        adapted: Tensor = super().forward(values) + self.adapter(values)
        return adapted

    def merged(self) -> nn.Linear:
        """Return a plain layer of this one's weight, with the adapter now in it."""
        plain = nn.Linear(self.in_features, self.out_features, self.bias is not None, device="meta")
        self.adapter.merge_into(self.weight)
        plain.weight, plain.bias = self.weight, self.bias
        return plain


class LowRankAttention(nn.MultiheadAttention):
    """Self-attention with an adapter; its weights are those of ``plain``, not copies."""

    def __init__(self, plain: nn.MultiheadAttention, rank: int) -> None:
        super().__init__(**_layout(plain))
        _share_weights(plain, self)
        self.adapter = LowRankUpdate(plain.in_proj_weight, rank)

    def project(self, values: Tensor) -> Tensor:
        """Return queries, keys and values (..., 3C) of ``values`` (..., C)."""
        projected: Tensor = linear(values, self.in_proj_weight, self.in_proj_bias) + self.adapter(values)
        return projected

    def forward(  # type: ignore[override]  # as an open_clip block calls it, and no other way
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
    ) -> tuple[Tensor, None]:
        """Return what each of the tokens sees of all, (B, n, C) or (n, B, C) as ``batch_first`` has it.

        Raises ValueError if it is not asked for self-attention alone, without the weights.
        """
        if query is not key or key is not value or need_weights:
            raise ValueError(
                "an adapted attention takes one tensor as query, key and value, need_weights=False"
            )
        projected = self.project(query if self.batch_first else query.transpose(0, 1))  # (B, n, 3C)
        queries, keys, values = split_heads(projected, self.num_heads)
        mask = attn_mask.to(queries.dtype) if attn_mask is not None else None
        seen = scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        attended = self.out_proj(seen.transpose(1, 2).flatten(2))  # (B, n, C)
        return (attended if self.batch_first else attended.transpose(0, 1)), None

    def merged(self) -> nn.MultiheadAttention:
        """Return a plain attention of this one's weights, with the adapter now in them."""
        plain = nn.MultiheadAttention(**_layout(self))
        self.adapter.merge_into(self.in_proj_weight)
        _share_weights(self, plain)
        return plain


def add_lora(model: nn.Module, rank: int = 8) -> list[nn.Parameter]:
    """Put an adapter on the QKV projection of every block, freeze all else, and return what is to be trained.

    ``model`` is a whole open_clip model, or one of its towers. Raises ValueError if it has adapters already,
    or no block that takes one, and for a rank below 1.
    """
    if rank < 1:
        raise ValueError(f"adapters of rank {rank} train nothing: ask for 1 or more; the paper takes 8")
    if any(_adapted(model)):
        raise ValueError("the model has adapters already: merge them with merge_lora before adding others")
    projections = list(_projections(model))
    if not projections:
        raise ValueError(
            f"no block of this {type(model).__name__} has a joint QKV projection: adapters need a "
            "transformer of open_clip, or a timm trunk with attn.qkv"
        )
    model.requires_grad_(False)
    adapters = nn.ModuleList()
    for owner, name, plain in projections:
        adapted = (
            LowRankLinear(plain, rank) if isinstance(plain, nn.Linear) else LowRankAttention(plain, rank)
        )
        setattr(owner, name, adapted.train(plain.training))
        adapters.append(adapted.adapter)
    return list(adapters.parameters())


def takes_lora(model: nn.Module) -> bool:
    """Tell whether ``model``, a tower or the blocks of one, has a place for adapters."""
    return any(True for _ in _projections(model))


def merge_lora(model: nn.Module) -> None:
    """Add every adapter to the weight beside it and put plain modules back. All stays frozen."""
    for owner, name, adapted in list(_adapted(model)):
        setattr(owner, name, adapted.merged().train(adapted.training))


def _projections(model: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Linear | nn.MultiheadAttention]]:
    """Yield owner, name and module of the QKV projection of each block."""
    for module in model.modules():
        attention: Any = getattr(module, "attn", None)
        if isinstance(module, ResidualAttentionBlock):
            yield module, "attn", attention
        elif isinstance(getattr(attention, "qkv", None), nn.Linear):
            if getattr(attention, "q_bias", None) is not None:
                raise ValueError(
                    "a block keeps the biases of its QKV projection apart, where no adapter fits"
                )
            yield attention, "qkv", attention.qkv


def _adapted(model: nn.Module) -> Iterator[tuple[nn.Module, str, LowRankLinear | LowRankAttention]]:
    for owner in model.modules():
        for name, child in owner.named_children():
            if isinstance(child, LowRankLinear | LowRankAttention):
                yield owner, name, child


def _layout(attention: nn.MultiheadAttention) -> dict[str, Any]:
    return {
        "embed_dim": attention.embed_dim,
        "num_heads": attention.num_heads,
        "bias": attention.in_proj_bias is not None,
        "batch_first": attention.batch_first,
        "device": "meta",  # its parameters are replaced at once
    }


def _share_weights(source: nn.MultiheadAttention, target: nn.MultiheadAttention) -> None:
    target.in_proj_weight, target.in_proj_bias = source.in_proj_weight, source.in_proj_bias
    target.out_proj = source.out_proj
