"""Pooling by the mean patch, where merged tokens count for all their members."""

from torch import Tensor

from model.token_reduction.base import Tokens


def mean_patch(values: Tensor, tokens: Tokens) -> Tensor:
    """Return the mean (P, C) of the patch tokens of ``values`` (P, n, C), each counted by its size."""
    patches = values[:, tokens.class_tokens :]
    if tokens.sizes is None:
        return patches.mean(1)
    shares = tokens.sizes[:, tokens.class_tokens :].to(values.dtype).unsqueeze(2)  # (P, n-c, 1)
    return (patches * shares).sum(1) / shares.sum(1)
