"""Attention in one kernel, with the logarithm of a token's size added to its logit.

Proportional attention (ToMe, arXiv 2210.09461, equation 1; TempMe, arXiv 2409.01156): a token that stands
for s others weighs as much as they would. The bias is an additive mask, so attention stays fused.
"""

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


def split_heads(projected: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values (P, heads, n, C/heads) of a joint projection (P, n, 3C)."""
    parts = projected.unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4)  # (3, P, heads, n, C/heads)
    queries, keys, values = parts.unbind(0)
    return queries, keys, values


def fused_attention(queries: Tensor, keys: Tensor, values: Tensor, sizes: Tensor | None) -> Tensor:
    """Return what queries (P, heads, m, C/heads) see of keys and values (P, heads, n, C/heads): (P, m, C).

    ``sizes`` (P, n) are those of the keys' tokens; None where all are one.
    """
    seen = scaled_dot_product_attention(queries, keys, values, attn_mask=size_bias(sizes, queries.dtype))
    return seen.transpose(1, 2).flatten(2)


def size_bias(sizes: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Return what is added to each key's logits, (P, 1, 1, n), for the keys' ``sizes`` (P, n)."""
    return None if sizes is None else sizes.log().to(dtype)[:, None, None]
