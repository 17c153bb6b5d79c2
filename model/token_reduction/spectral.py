"""Spectral clustering: k-medoids++ on the lowest eigenvectors of a graph that joins similar tokens.

From CenterCLIP (arXiv 2205.00823, section 3.4), which takes the graph of nearest neighbours, or one that
joins all tokens. A quality option: its eigenvectors cost more than all the rest of the reduction.

- ``eigh`` of the normalised Laplacian stands for the paper's singular value decomposition, which finds the
  same spaces. Turning a vector's sign changes no distance between rows, so signs are left as they are.
- Eigenvectors, and distances between their rows, are float64: copies of one token in several frames have
  rows so alike that float32 picks among them at random (38 % of its medoids were right, of these 100 %).
- The rows all have length one, so "the longest token first" would be decided by rounding. Seeding starts
  from the token of the largest degree instead, which is our choice.
- The host waits for ``eigh`` on CUDA (it asks whether the solver converged), so no CUDA graph can hold it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from model.token_reduction.base import MANY_PATCHES
from model.token_reduction.cluster_reducer import ClusterReducer
from model.token_reduction.distances import SELF_DISTANCE, pairwise_distances
from model.token_reduction.kmedoids import (
    ITERATIONS,
    MEMORY_BUDGET_BYTES,
    Clusters,
    check_clusters,
    cluster_by,
)

SIGMA = 2.0
"""Width of the heat kernel, in units of the raw tokens."""

NEIGHBOURS_PER_FRAME = 5
"""Neighbours of each token in the graph, for each frame of its segment."""

MORE_NEIGHBOURS = 5
"""Added to them in towers of many patches a frame."""

ROUNDING = 1e-9
"""Distances between rows of length one that are below this are rounding noise of the eigenvectors: zero."""


@dataclass(frozen=True)
class Spectral(ClusterReducer):
    """Reduce at each of ``stages`` to the tokens that spectral clustering finds in the middle.

    Raises ValueError for stages out of order.
    """

    family: ClassVar[str] = "spectral"
    options: ClassVar[str] = "heat and mean, as in spectral:B6-4,49/heat"

    joins_all: bool = False
    """Join all tokens instead of each with its nearest neighbours."""

    def _cluster(self, patches: Tensor, clusters: int, joined: int) -> Clusters:
        neighbours = None if self.joins_all else count_neighbours(patches.shape[1], joined)
        return spectral_clusters(patches, clusters, neighbours, with_members=self.mean)

    def _option_words(self) -> list[str]:
        return [*["heat"] * self.joins_all, *super()._option_words()]

    @classmethod
    def _read_option(cls, word: str) -> tuple[str, Any]:
        return ("joins_all", True) if word == "heat" else super()._read_option(word)


def count_neighbours(members: int, joined: int) -> int:
    """Return how many neighbours, itself included, a token gets in a segment of ``joined`` frames."""
    more = MORE_NEIGHBOURS if members // joined > MANY_PATCHES else 0
    return min(members, NEIGHBOURS_PER_FRAME * joined + more)


@torch.no_grad()
def spectral_clusters(
    tokens: Tensor, clusters: int, neighbours: int | None, *, with_members: bool = False
) -> Clusters:
    """Return the clusters of each group of tokens (G, M, C); ``neighbours`` None joins all tokens.

    Raises ValueError if there are more clusters than tokens, or fewer than one.
    """
    check_clusters(clusters, tokens.shape[1])
    medoids, members = _search(tokens.detach(), clusters, neighbours, with_members)
    return Clusters(medoids, members if with_members else None)


@torch.library.custom_op("reelseek::spectral_clusters", mutates_args=())
def _search(
    tokens: Tensor, clusters: int, neighbours: int | None, with_members: bool
) -> tuple[Tensor, Tensor]:
    """Return ascending medoids (G, K) and each token's place among them (G, M), or (G, 0) if not wanted."""
    together = max(1, MEMORY_BUDGET_BYTES // (8 * tokens.shape[1] ** 2))
    found = []
    for part in tokens.split(together):
        rows, degrees = spectral_rows(part, clusters, neighbours)
        first = degrees.argmax(1)
        found.append(cluster_by(row_distances(rows), first, clusters, ITERATIONS, with_members))
    medoids, members = zip(*found, strict=True)
    return torch.cat(medoids), torch.cat(members)


@_search.register_fake
def _(tokens: Tensor, clusters: int, neighbours: int | None, with_members: bool) -> tuple[Tensor, Tensor]:
    del neighbours
    groups, members = tokens.shape[:2]
    medoids = tokens.new_empty(groups, clusters, dtype=torch.int64)
    return medoids, medoids.new_empty(groups, members if with_members else 0)


def spectral_rows(tokens: Tensor, clusters: int, neighbours: int | None) -> tuple[Tensor, Tensor]:
    """Return the K lowest eigenvectors as float64 rows (G, M, K) of length one, and the degrees (G, M)."""
    affinities = _affinities(tokens, neighbours)  # (G, M, M)
    degrees = affinities.sum(2)  # at least 1, a token being its own neighbour
    scale = degrees.rsqrt()
    laplacian = affinities.mul_(-scale.unsqueeze(2)).mul_(scale.unsqueeze(1))
    laplacian.diagonal(dim1=1, dim2=2).add_(1)
    vectors = torch.linalg.eigh(laplacian).eigenvectors  # in the order of ascending eigenvalues
    return normalize(vectors[:, :, :clusters], dim=2, eps=1e-6), degrees


def row_distances(rows: Tensor) -> Tensor:
    """Return the distances (G, M, M) between rows (G, M, K); the diagonal is below all others."""
    distances = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    distances.masked_fill_(distances < ROUNDING, 0)
    distances.diagonal(dim1=1, dim2=2).fill_(SELF_DISTANCE)
    return distances


def _affinities(tokens: Tensor, neighbours: int | None) -> Tensor:
    """Return exp(-d²/2σ²) of joined tokens, else 0, in float64."""
    distances = pairwise_distances(tokens).nan_to_num_(torch.inf)  # eigh refuses what is not a number
    affinities = distances.double().square_().div_(-2 * SIGMA**2).exp_()
    if neighbours is None:
        return affinities
    nearest = distances.argsort(dim=2, stable=True)[:, :, :neighbours]  # of equally near ones, the first
    is_near = torch.zeros_like(affinities, dtype=torch.bool).scatter_(2, nearest, True)
    return affinities.where(is_near | is_near.mT, 0)
