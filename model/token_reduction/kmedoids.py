"""k-medoids++: deterministic clustering of tokens around K of themselves.

From CenterCLIP (arXiv 2205.00823, section 3.3): KKZ seeding (Katsavounidis, Kuo and Zhang 1994), then the
usual alternation of assignment and medoid update.

- All groups of all videos are seeded at once, and a group's answer does not depend on its company.
- The number of alternations is fixed, so the host never waits for a device. A fixed point repeats itself,
  hence any number at or above what convergence needs gives the converged answer; a CPU stops there.
- No K×M×M tensor: a token's cost is a masked row sum of the M×M distances, and each cluster's best member
  is found by two scattered minima, of the cost and then of the index that reaches it.
- Ties go to the lowest token index; a token as near to two medoids goes to the one that was seeded first.
- The search is one custom operator: ``torch.compile`` sees one node instead of unrolling K-1 steps of
  seeding, fake tensors get their shapes without it, and a CUDA graph captures its kernels like any other.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from model.token_reduction.distances import Metric, groups_in_turn, pairwise_distances

ITERATIONS = 5
"""Alternations of assignment and update: video tokens were measured to converge in 2 to 5."""

MEMORY_BUDGET_BYTES = 2**30
"""Distances that are held at once; if all groups have more, they go in turns."""


class Clusters(NamedTuple):
    """K clusters of each of G groups of M tokens."""

    medoids: Tensor
    """(G, K) int64: the tokens in the clusters' middles, ascending."""
    members: Tensor | None
    """(G, M) int64: the cluster of each token, as a place among the medoids; None unless asked for."""


@torch.no_grad()
def kmedoids(
    tokens: Tensor,
    clusters: int,
    metric: Metric = Metric.EUCLIDEAN,
    *,
    iterations: int = ITERATIONS,
    with_members: bool = False,
) -> Clusters:
    """Return the clusters of each group of tokens (G, M, C).

    Seeding starts from the longest token of each group, whatever the metric. Raises ValueError if there are
    more clusters than tokens, or fewer than one cluster or iteration.
    """
    check_clusters(clusters, tokens.shape[1])
    if iterations < 1:
        raise ValueError(f"k-medoids needs at least 1 iteration, not {iterations}")
    precision = torch.promote_types(tokens.dtype, torch.float32)
    first = torch.linalg.vector_norm(tokens, dim=2, dtype=precision).argmax(1)  # (G,)
    medoids, members = _search(tokens.detach(), first, clusters, str(metric), iterations, with_members)
    return Clusters(medoids, members if with_members else None)


def check_clusters(clusters: int, members: int) -> None:
    """Raise ValueError if so many tokens cannot have so many medoids."""
    if not 1 <= clusters <= members:
        raise ValueError(f"cannot choose {clusters} medoids of {members} tokens: ask for 1 to {members}")


@torch.library.custom_op("reelseek::kmedoids", mutates_args=())
def _search(
    tokens: Tensor, first: Tensor, clusters: int, metric: str, iterations: int, with_members: bool
) -> tuple[Tensor, Tensor]:
    """Return ascending medoids (G, K) and each token's place among them (G, M), or (G, 0) if not wanted."""
    members = tokens.shape[1]
    together = max(1, MEMORY_BUDGET_BYTES // (4 * members * members))
    found = []
    for part, part_first in zip(tokens.split(together), first.split(together), strict=True):
        distances = pairwise_distances(part, Metric(metric))
        found.append(cluster_by(distances, part_first, clusters, iterations, with_members))
    medoids, slots = zip(*found, strict=True)
    return torch.cat(medoids), torch.cat(slots)


@_search.register_fake
def _(
    tokens: Tensor, first: Tensor, clusters: int, metric: str, iterations: int, with_members: bool
) -> tuple[Tensor, Tensor]:
    del metric, iterations
    groups, members = tokens.shape[:2]
    return first.new_empty(groups, clusters), first.new_empty(groups, members if with_members else 0)


def cluster_by(
    distances: Tensor, first: Tensor, clusters: int, iterations: int, with_members: bool
) -> tuple[Tensor, Tensor]:
    """Return ascending medoids (G, K) and each token's place among them (G, M), by distances (G, M, M).

    The diagonal must be below all other distances. Places are left out, (G, 0), unless ``with_members``.
    """
    medoids = _seed(distances, first, clusters)  # (G, K)
    for _ in range(iterations):
        moved = _best_members(distances, _assign(distances, medoids), medoids)
        # A fixed point repeats itself. On an accelerator the host would have to wait to find that out.
        if distances.device.type == "cpu" and torch.equal(moved, medoids):
            break
        medoids = moved
    ascending, order = medoids.sort(1)
    if not with_members:
        return ascending, medoids.new_empty(len(medoids), 0)
    return ascending, order.argsort(1).gather(1, _assign(distances, medoids))


def _seed(distances: Tensor, first: Tensor, clusters: int) -> Tensor:
    """Return seeds (G, K) by KKZ: after ``first`` (G,), always the point farthest from all seeds so far."""
    groups, members = distances.shape[:2]
    rows = distances.flatten(0, 1)  # (G*M, M)
    group_start = torch.arange(0, groups * members, members, device=distances.device)
    seeds = [first]
    nearest = rows.index_select(0, group_start + first)  # (G, M): distance to the nearest seed
    for _ in range(clusters - 1):
        seeds.append(nearest.argmax(1))
        torch.minimum(nearest, rows.index_select(0, group_start + seeds[-1]), out=nearest)
    return torch.stack(seeds, 1)


def _assign(distances: Tensor, medoids: Tensor) -> Tensor:
    """Return for each point the slot (G, M) of its nearest medoid; medoids are (G, K) point indices."""
    group = torch.arange(distances.shape[0], device=distances.device).unsqueeze(1)
    return distances[group, medoids].min(1).indices  # (G, K, M) → (G, M); argmin is slower


def _best_members(distances: Tensor, slots: Tensor, medoids: Tensor) -> Tensor:
    """Return for each cluster (G, K) the member with the least sum of distances to the other members."""
    members = slots.shape[1]
    costs = _costs(distances, slots)
    least = torch.zeros_like(medoids, dtype=costs.dtype)
    least = least.scatter_reduce(1, slots, costs, "amin", include_self=False)  # (G, K)
    indices = torch.arange(members, device=slots.device).expand_as(slots)
    # "Not above" rather than "equal", so that a token that is not a number cannot leave its cluster empty.
    candidates = indices.masked_fill(costs > least.gather(1, slots), members)
    return medoids.scatter_reduce(1, slots, candidates, "amin", include_self=False)


def _costs(distances: Tensor, slots: Tensor) -> Tensor:
    """Return each point's sum of distances (G, M) to the points of the same slot."""
    groups, members = slots.shape
    costs = distances.new_empty(groups, members)
    together = groups_in_turn(distances.device, 4 * 3 * members * members)
    parts = zip(distances.split(together), slots.split(together), costs.split(together), strict=True)
    for part, part_slots, place in parts:
        is_together = part_slots.unsqueeze(2) == part_slots.unsqueeze(1)  # (G, M, M)
        torch.sum(torch.where(is_together, part, 0), 2, out=place)
    return costs
