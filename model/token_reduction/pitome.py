"""PiToMe: only tokens that have many alike are merged; those that stand alone are protected.

From arXiv 2405.16148 (section 3.2), written from the paper's description. The energy of token i of N is

    E_i = 1/N * sum over j of f_m(cos(k_i, k_j)),    f_m(x) = x if x >= m, else alpha * (exp(x - m) - 1)

with alpha = 1 and the margin m = 0.9 - 0.9 * l/L in block l of L, counted from 0: high in a large group of
tokens alike, low for a token like no other. Of the 2r tokens of highest energy, in that order, the first,
third, ... are A and the others B. Each of A is folded into its most alike of B, so exactly r go. Keys, sizes
and the place between attention and MLP are as in ToMe.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from model.token_reduction.base import LayerTokens, TowerShape
from model.token_reduction.bipartite_matching import Matching, cosine_similarity, count_merged
from model.token_reduction.tome import ToMe, check_layers, parse_merged

FIRST_MARGIN = 0.9
"""The cosine from which tokens of block 0 attract each other; it falls by equal steps towards 0."""

ALPHA = 1.0
"""How much tokens further apart than the margin take from the energy."""


@dataclass(frozen=True)
class PiToMe(ToMe):
    """ToMe with another matching, for a tower of ``layers`` blocks."""

    layers: int = 12
    """L."""
    family: ClassVar[str] = "pitome"

    @classmethod
    def parse(cls, options: str, shape: TowerShape, frames: int) -> Self:
        """Return the reducer with r as in ``2``; by default r is a twentieth of the patches."""
        return cls(parse_merged(cls.family, options, shape), shape.layers)

    def schedule(self, shape: TowerShape, frames: int) -> tuple[LayerTokens, ...]:
        """Return the counts; raises ValueError if r or the tower's depth does not fit."""
        check_layers(self.name, self.layers, shape)
        return super().schedule(shape, frames)

    def match(self, block: int, keys: Tensor, class_tokens: int) -> Matching | None:
        """Return what ``block`` merges, by its keys (P, n, C/heads)."""
        margin = FIRST_MARGIN * (1 - block / self.layers)
        return match_redundant(keys, class_tokens, self.merged, margin)


def match_redundant(metric: Tensor, class_tokens: int, wanted: int, margin: float) -> Matching | None:
    """Return how to merge ``wanted`` of the tokens with most alike in ``metric`` (P, n, C).

    What is left: class tokens, protected tokens in their order, then B by falling energy. None if there is
    nothing to merge. Of equals the first is taken.
    """
    patches = metric[:, class_tokens:]
    merged = count_merged(wanted, patches.shape[1])
    if merged == 0:
        return None
    similarity = cosine_similarity(patches, patches)  # (P, N, N)
    order = energy(similarity, margin).sort(dim=1, descending=True, stable=True).indices  # (P, N)
    sources, targets = order[:, 0 : 2 * merged : 2], order[:, 1 : 2 * merged : 2]  # (P, r) each
    protected = order[:, 2 * merged :].sort(dim=1).values  # (P, N-2r)
    among_targets = _rows_of(similarity, sources).gather(2, targets.unsqueeze(1).expand(-1, merged, -1))
    nearest = among_targets.max(dim=2).indices  # (P, r)
    classes = torch.arange(class_tokens, device=metric.device).expand(len(metric), -1)
    kept = torch.cat([classes, class_tokens + protected, class_tokens + targets], dim=1)
    return Matching(kept, class_tokens + sources, class_tokens + protected.shape[1] + nearest)


def energy(similarity: Tensor, margin: float) -> Tensor:
    """Return E (P, N) of tokens with these cosines (P, N, N)."""
    apart = ALPHA * torch.expm1(similarity - margin)
    return similarity.where(similarity >= margin, apart).mean(dim=2)


def _rows_of(matrix: Tensor, rows: Tensor) -> Tensor:
    """Return the rows (P, r) of each matrix (P, N, N): (P, r, N)."""
    return matrix.gather(1, rows.unsqueeze(2).expand(-1, -1, matrix.shape[2]))
