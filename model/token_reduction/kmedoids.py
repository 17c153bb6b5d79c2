"""k-medoids++: deterministic clustering of tokens around K of themselves.

From CenterCLIP (arXiv 2205.00823, section 3.3): KKZ seeding (Katsavounidis, Kuo and Zhang 1994), then the
usual alternation of assignment and medoid update, with Euclidean distances between the tokens as they are.

- All groups of all videos are clustered at once, and a group's answer does not depend on its company.
- The number of alternations is fixed, so the host never waits for the device. A fixed point repeats itself,
  hence any number at or above what convergence needs gives the converged answer.
- No K×M×M tensor: a token's cost is a masked row sum of the M×M distances, and each cluster's best member
  is found by two scattered minima, of the cost and then of the index that reaches it.
- Ties go to the lowest token index; a token as near to two medoids goes to the one that was seeded first.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

ITERATIONS = 5
"""Alternations of assignment and update: video tokens were measured to converge in 2 to 5."""

MEMORY_BUDGET_BYTES = 256 * 2**20
"""Working memory for the groups that are clustered together; more groups than fit go in turns."""

SELF_DISTANCE = -1e-30
"""Strictly below any distance, so duplicates keep their own medoids, and lost in a sum of real distances."""

ROUNDING = 1e-6
"""Squared distances below this share of the two squared norms are rounding noise of the Gram matrix: zero."""


@torch.no_grad()
def kmedoids(
    tokens: Tensor,
    clusters: int,
    iterations: int = ITERATIONS,
    memory_budget_bytes: int = MEMORY_BUDGET_BYTES,
) -> Tensor:
    """Return the ascending indices (G, K) of the medoids of each group of tokens (G, M, C).

    Raises ValueError if there are more clusters than tokens, or fewer than one cluster or iteration.
    """
    groups, members, channels = tokens.shape
    _check(members, clusters, iterations)
    if clusters == members:
        return torch.arange(members, device=tokens.device).repeat(groups, 1)
    group_bytes = tokens.new_empty(0, dtype=torch.float32).element_size() * members * (4 * members + channels)
    together = max(1, memory_budget_bytes // group_bytes)
    return torch.cat([_medoids(part, clusters, iterations) for part in tokens.split(together)])


def _check(members: int, clusters: int, iterations: int) -> None:
    if not 1 <= clusters <= members:
        raise ValueError(f"cannot choose {clusters} medoids of {members} tokens: ask for 1 to {members}")
    if iterations < 1:
        raise ValueError(f"k-medoids needs at least 1 iteration, not {iterations}")


def _medoids(tokens: Tensor, clusters: int, iterations: int) -> Tensor:
    with _full_float32(tokens.device):
        points = tokens.float()
        distances = _pairwise_distances(points)  # (G, M, M)
        medoids = _seed(distances, points.square().sum(2).argmax(1), clusters)  # (G, K)
    for _ in range(iterations):
        medoids = _best_members(distances, _assign(distances, medoids), medoids)
    return medoids.sort(1).values


@contextmanager
def _full_float32(device: torch.device) -> Iterator[None]:
    """Keep autocast and TensorFloat-32 away: a Gram matrix of fewer bits finds other medoids."""
    matmul = torch.backends.cuda.matmul
    before = matmul.fp32_precision
    with torch.autocast(device.type, enabled=False):
        try:
            if device.type == "cuda":
                matmul.fp32_precision = "ieee"
            yield
        finally:
            if device.type == "cuda":
                matmul.fp32_precision = before


def _pairwise_distances(points: Tensor) -> Tensor:
    """Return Euclidean distances (G, M, M) of points (G, M, C); the diagonal is SELF_DISTANCE."""
    centred = points - points.mean(1, keepdim=True)  # shorter vectors lose fewer digits in the Gram matrix
    gram = centred @ centred.mT  # (G, M, M)
    norms = gram.diagonal(dim1=1, dim2=2)  # (G, M)
    scale = norms.unsqueeze(2) + norms.unsqueeze(1)
    squared = scale - (gram + gram.mT)  # symmetric to the last bit, whatever the matrix product did
    distances = squared.masked_fill_(squared <= ROUNDING * scale, 0).sqrt_()
    distances.diagonal(dim1=1, dim2=2).fill_(SELF_DISTANCE)
    return distances


def _seed(distances: Tensor, first: Tensor, clusters: int) -> Tensor:
    """Return seeds (G, K) by KKZ: after ``first`` (G,), always the point farthest from all seeds so far."""
    group = torch.arange(distances.shape[0], device=distances.device)
    seeds = [first]
    nearest = distances[group, first]  # (G, M): distance to the nearest seed
    for _ in range(clusters - 1):
        seeds.append(nearest.argmax(1))
        nearest = torch.minimum(nearest, distances[group, seeds[-1]])
    return torch.stack(seeds, 1)


def _assign(distances: Tensor, medoids: Tensor) -> Tensor:
    """Return for each point the slot (G, M) of its nearest medoid; medoids are (G, K) point indices."""
    group = torch.arange(distances.shape[0], device=distances.device).unsqueeze(1)
    return distances[group, medoids].min(1).indices  # (G, K, M) → (G, M); argmin is slower


def _best_members(distances: Tensor, slots: Tensor, medoids: Tensor) -> Tensor:
    """Return for each cluster (G, K) the member with the least sum of distances to the other members."""
    members = slots.shape[1]
    is_together = slots.unsqueeze(2) == slots.unsqueeze(1)  # (G, M, M)
    costs = torch.where(is_together, distances, 0).sum(2)  # (G, M)
    least = torch.zeros_like(medoids, dtype=costs.dtype)
    least = least.scatter_reduce(1, slots, costs, "amin", include_self=False)  # (G, K)
    indices = torch.arange(members, device=slots.device).expand_as(slots)
    # "Not above" rather than "equal", so that a token that is not a number cannot leave its cluster empty.
    candidates = indices.masked_fill(costs > least.gather(1, slots), members)
    return medoids.scatter_reduce(1, slots, candidates, "amin", include_self=False)
