"""Distances between the tokens of a group, exact enough to tell near-duplicates apart.

From CenterCLIP (arXiv 2205.00823, section 3.3): Euclidean (p = 2) between tokens as they are; p = 1 and
cosine are variants of its ablations.

- Squared Euclidean distances come from the Gram matrix of the centred tokens in full float32. Only blocks on
  and below its diagonal are multiplied: two thirds of the work, and symmetric to the last bit.
- Cosine distance is half the squared Euclidean distance of the normalised tokens, and computed so: tokens of
  a residual stream share a large part, and 1 - cos would lose the digits in which they differ.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

SELF_DISTANCE = -1e-30
"""Strictly below any distance, so duplicates keep their own medoids, and lost in a sum of real distances."""

SQUARED_ROUNDING = 1e-6
"""Squared distances below this share of the two squared norms are rounding noise of the Gram matrix: zero."""

MANHATTAN_ROUNDING = 1e-5
"""The same for p = 1, of the two norms: no product, hence only the noise of the tokens themselves."""

BLOCKS = 3
"""Block rows of the Gram matrix: two thirds of the work; more blocks save less than they cost."""

CACHE_BYTES = 16 * 2**20
"""Working memory of groups handled together on a CPU, so that they stay in its cache."""

TURN_BYTES = 256 * 2**20
"""The same on an accelerator, which needs many groups at once."""


class Metric(StrEnum):
    """How far two tokens are from each other."""

    EUCLIDEAN = "l2"
    MANHATTAN = "l1"
    COSINE = "cosine"


@torch.no_grad()
def pairwise_distances(tokens: Tensor, metric: Metric = Metric.EUCLIDEAN) -> Tensor:
    """Return the float32 distances (G, M, M) within each group of tokens (G, M, C).

    They are symmetric; the diagonal is SELF_DISTANCE, below all others.
    """
    groups, members, channels = tokens.shape
    distances = tokens.new_empty(groups, members, members, dtype=torch.float32)
    together = groups_in_turn(tokens.device, 4 * members * (2 * members + channels))
    with full_float32(tokens.device):
        for part, place in zip(tokens.split(together), distances.split(together), strict=True):
            _write_distances(part.float(), metric, place)
    distances.diagonal(dim1=1, dim2=2).fill_(SELF_DISTANCE)
    return distances


def groups_in_turn(device: torch.device, group_bytes: int) -> int:
    """Return how many groups, of so many bytes each, to handle at once."""
    return max(1, (CACHE_BYTES if device.type == "cpu" else TURN_BYTES) // group_bytes)


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Keep autocast, TensorFloat-32 and bfloat16 away: a Gram matrix of fewer bits finds other medoids."""
    backend: Any = torch.backends.cuda if device.type == "cuda" else torch.backends.mkldnn
    matmul = backend.matmul
    before = matmul.fp32_precision
    with torch.autocast(device.type, enabled=False):
        try:
            matmul.fp32_precision = "ieee"
            yield
        finally:
            matmul.fp32_precision = before


def _write_distances(points: Tensor, metric: Metric, distances: Tensor) -> None:
    if metric is Metric.MANHATTAN:
        distances.copy_(torch.cdist(points, points, p=1))
        _clear_rounding(distances, points.abs().sum(2), MANHATTAN_ROUNDING)
    elif metric is Metric.COSINE:
        _write_squared_euclidean(normalize(points, dim=2), distances)
        distances.div_(2)
    else:
        _write_squared_euclidean(points, distances)
        distances.sqrt_()


def _write_squared_euclidean(points: Tensor, distances: Tensor) -> None:
    centred = points - points.mean(1, keepdim=True)  # shorter vectors lose fewer digits in the Gram matrix
    _write_gram(centred, distances)
    norms = distances.diagonal(dim1=1, dim2=2).clone()  # (G, M)
    torch.sub(norms.unsqueeze(2) + norms.unsqueeze(1), distances, alpha=2, out=distances)
    _clear_rounding(distances, norms, SQUARED_ROUNDING)


def _write_gram(points: Tensor, gram: Tensor) -> None:
    """Write points @ points.mT, symmetric to the last bit whatever the matrix product does."""
    members = points.shape[1]
    height = -(-members // BLOCKS)
    for start in range(0, members, height):
        end = min(start + height, members)
        rows = points[:, start:end] @ points[:, :end].mT  # (G, end-start, end)
        corner = rows[:, :, start:]
        gram[:, start:end, :start] = rows[:, :, :start]
        gram[:, :start, start:end] = rows[:, :, :start].mT
        gram[:, start:end, start:end] = (corner + corner.mT).div_(2)


def _clear_rounding(distances: Tensor, norms: Tensor, share: float) -> None:
    """Zero the distances not above ``share`` of the sum of the two points' norms (G, M)."""
    noise = norms.unsqueeze(2) + norms.unsqueeze(1)
    distances.masked_fill_(distances <= noise.mul_(share), 0)
