"""Pooling by the mean patch, where merged tokens count for all their members."""

from torch import Tensor, nn

from model.token_reduction.base import Tokens


def mean_patch(values: Tensor, tokens: Tokens) -> Tensor:
    """Return the mean (P, C) of the patch tokens of ``values`` (P, n, C), each counted by its size."""
    patches = values[:, tokens.class_tokens :]
    if tokens.sizes is None:
        return patches.mean(1)
    shares = tokens.sizes[:, tokens.class_tokens :].to(values.dtype).unsqueeze(2)  # (P, n-c, 1)
    return (patches * shares).sum(1) / shares.sum(1)


def normalise_parts(norm: nn.Module, patches: Tensor, pooled: Tensor) -> Tensor:
    """Return parts (P, n, C) of ``norm(pooled)`` (P, C), where pooled is a mean of the patches (P, n, C).

    The same mean of the parts is ``norm(pooled)``: a layer norm divides all of them by what it divides the
    pooled ones by, for with that fixed it is linear. Another norm is left to itself.
    """
    if not isinstance(norm, nn.LayerNorm):
        parts: Tensor = norm(patches)
        return parts
    scale = (pooled.var(-1, correction=0, keepdim=True) + norm.eps).sqrt().unsqueeze(1)  # (P, 1, 1)
    centred = (patches - patches.mean(-1, keepdim=True)) / scale
    return centred * norm.weight + norm.bias if norm.elementwise_affine else centred
