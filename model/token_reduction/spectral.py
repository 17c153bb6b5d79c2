"""Spectral clustering: k-medoids++ on the lowest eigenvectors of a graph that joins similar tokens.

From CenterCLIP (arXiv 2205.00823, section 3.4), which takes the graph of nearest neighbours, or one that
joins all tokens. A quality option: its eigenvectors cost more than all the rest of the reduction.

- ``eigh`` of the normalised Laplacian stands for the paper's singular value decomposition, which finds the
  same spaces. Turning a vector's sign changes no distance between rows, so signs are left as they are.
- The rows all have length one, so "the longest token first" would be decided by rounding. Seeding starts
  from the token of the largest degree instead, which is our choice.
- The host waits for ``eigh`` on CUDA (it asks whether the solver converged), so no CUDA graph can hold it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from model.token_reduction.cluster_reducer import ClusterReducer
from model.token_reduction.distances import full_float32, pairwise_distances
from model.token_reduction.kmedoids import Clusters, kmedoids
from model.token_reduction.segments import MANY_PATCHES

SIGMA = 2.0
"""Width of the heat kernel, in units of the raw tokens."""

NEIGHBOURS_PER_FRAME = 5
"""Neighbours of each token in the graph, for each frame of its segment."""

MORE_NEIGHBOURS = 5
"""Added to them in towers of many patches a frame."""


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
    rows, degrees = _spectral_rows(tokens.detach(), clusters, neighbours)
    return kmedoids(rows, clusters, first=degrees.argmax(1), with_members=with_members)


@torch.library.custom_op("reelseek::spectral_rows", mutates_args=())
def _spectral_rows(tokens: Tensor, clusters: int, neighbours: int | None) -> tuple[Tensor, Tensor]:
    """Return the K lowest eigenvectors as rows (G, M, K) of length one, and the degrees (G, M)."""
    affinities = _affinities(tokens, neighbours)  # (G, M, M)
    degrees = affinities.sum(2)  # at least 1, a token being its own neighbour
    scale = degrees.rsqrt()
    laplacian = affinities.mul_(-scale.unsqueeze(2)).mul_(scale.unsqueeze(1))
    laplacian.diagonal(dim1=1, dim2=2).add_(1)
    with full_float32(tokens.device):
        vectors = torch.linalg.eigh(laplacian).eigenvectors  # in the order of ascending eigenvalues
    return normalize(vectors[:, :, :clusters], dim=2, eps=1e-6), degrees


@_spectral_rows.register_fake
def _(tokens: Tensor, clusters: int, *__: object) -> tuple[Tensor, Tensor]:
    groups, members = tokens.shape[:2]
    degrees = tokens.new_empty(groups, members, dtype=torch.float32)
    return degrees.new_empty(groups, members, clusters), degrees


def _affinities(tokens: Tensor, neighbours: int | None) -> Tensor:
    """Return exp(-d²/2σ²) of joined tokens, else 0."""
    distances = pairwise_distances(tokens).nan_to_num(torch.inf)  # eigh refuses what is not a number
    affinities = distances.square().div_(-2 * SIGMA**2).exp_()
    if neighbours is None:
        return affinities
    nearest = distances.argsort(dim=2, stable=True)[:, :, :neighbours]  # of equally near ones, the first
    is_near = torch.zeros_like(affinities, dtype=torch.bool).scatter_(2, nearest, True)
    return affinities.where(is_near | is_near.mT, 0)
