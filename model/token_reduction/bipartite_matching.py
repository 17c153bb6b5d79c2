"""Bipartite soft matching: every second patch token may be folded into the most alike of the others.

From ToMe (arXiv 2210.09461, section 3) as TempMe uses it (arXiv 2409.01156, section 3). The patches are dealt
alternately into A and B; each of A proposes to its most alike of B; the r most alike pairs are merged, which
leaves class tokens, the rest of A, then B. A merged token is the mean of its members, weighted by their
sizes. Class tokens are never merged. Matching takes no gradient; the mean passes it on.

Matching and merging are apart, because TempMe changes the tokens between them.

Every sum has one order, on CUDA too: tokens that share a destination are added up by a matrix product, and
of the atomic additions that put them in place all but one add zero. Unmerged tokens keep their bits.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.linalg import vector_norm

from model.token_reduction.base import Tokens
from model.token_reduction.selection import end_to_end, select_tokens

LEAST_NORM = 1e-12
"""A vector shorter than this is alike to none: the cosine is 0 instead of 0/0."""


@dataclass(frozen=True)
class Matching:
    """Which tokens of P sequences of n stay, and into which of those the r others go."""

    kept: Tensor
    """(P, n-r) int64: places among the n, in their new order; the class tokens come first."""
    merged: Tensor
    """(P, r) int64: places among the n."""
    destinations: Tensor
    """(P, r) int64: places among the n-r, in their new order."""


def count_merged(wanted: int, patches: int) -> int:
    """Return how many of ``patches`` tokens one matching can merge: half of them at most."""
    return min(wanted, patches // 2)


def match(metric: Tensor, class_tokens: int, wanted: int) -> Matching | None:
    """Return how to merge ``wanted`` tokens of each sequence that are alike in ``metric`` (P, n, C).

    None if there is nothing to merge. Of equals the first is taken.
    """
    length = metric.shape[1]
    merged = count_merged(wanted, length - class_tokens)
    if merged == 0:
        return None
    from_first = class_tokens + class_tokens % 2  # A has the even places of the sequence, B the odd ones
    to_first = class_tokens + 1 - class_tokens % 2
    similarity = cosine_similarity(metric[:, from_first::2], metric[:, to_first::2])  # (P, A, B)
    best = similarity.max(dim=2)  # (P, A)
    order = best.values.sort(dim=1, descending=True, stable=True).indices  # (P, A)
    proposers = order[:, :merged]
    stay = from_first + 2 * order[:, merged:].sort(dim=1).values  # (P, A-r)
    classes = torch.arange(class_tokens, device=metric.device)
    targets = torch.arange(to_first, length, 2, device=metric.device)
    destinations = class_tokens + stay.shape[1] + best.indices.gather(1, proposers)
    kept = torch.cat([_each(classes, stay), stay, _each(targets, stay)], dim=1)  # (P, n-r)
    return Matching(kept, from_first + 2 * proposers, destinations)


def cosine_similarity(one: Tensor, other: Tensor) -> Tensor:
    """Return the cosine of each of (P, a, C) with each of (P, b, C): (P, a, b), without gradient.

    At least in float32, whatever the tokens are in: rounding makes ties.
    """
    precision = torch.promote_types(one.dtype, torch.float32)
    with torch.no_grad(), torch.autocast(one.device.type, enabled=False):
        one, other = one.to(precision), other.to(precision)
        cosines: Tensor = one @ other.transpose(1, 2)  # (P, a, b)
        one_norm = vector_norm(one, dim=2).clamp_min(LEAST_NORM)
        other_norm = vector_norm(other, dim=2).clamp_min(LEAST_NORM)
        return cosines.div_(one_norm.unsqueeze(2)).div_(other_norm.unsqueeze(1))


def merge(tokens: Tokens, matching: Matching | None) -> Tokens:
    """Return the tokens merged as ``matching`` says, with their sizes; as they are if it is None."""
    if matching is None:
        return tokens
    kept, merged, destinations = matching.kept, matching.merged, matching.destinations
    sizes = tokens.sizes
    if sizes is None:
        sizes = torch.ones(tokens.values.shape[:2], device=tokens.values.device)
    merged_sizes = sizes.gather(1, merged)  # (P, r)
    new_sizes = sizes.gather(1, kept).scatter_add(1, destinations, merged_sizes)  # (P, n-r)
    shares = merged_sizes.unsqueeze(1) / new_sizes.gather(1, destinations).unsqueeze(2)  # (P, r, r)
    values = select_tokens(tokens.values, kept)  # (P, n-r, C)
    into = select_tokens(values, destinations)  # (P, r, C)
    change = _change(select_tokens(tokens.values, merged), into, shares, destinations)
    rows = end_to_end(destinations, values.shape[1])
    values.flatten(0, 1).index_add_(0, rows, change.flatten(0, 1))  # a view of a fresh copy
    origins = None
    if tokens.origins is not None:
        origins = tokens.origins.gather(1, kept[:, tokens.class_tokens :] - tokens.class_tokens)
    return replace(tokens, values=values, sizes=new_sizes, origins=origins)


def _change(merged: Tensor, into: Tensor, shares: Tensor, destinations: Tensor) -> Tensor:
    """Return what to add to each destination (P, r, C); zero for all but the first that goes there.

    ``shares[p, i, j]`` is the weight that token j has in the destination of i, if it goes there.
    """
    together = destinations.unsqueeze(2) == destinations.unsqueeze(1)  # (P, r, r)
    is_first = ~together.tril(-1).any(dim=2, keepdim=True)  # (P, r, 1)
    precision = torch.promote_types(merged.dtype, torch.float32)
    weights = (shares * (together & is_first)).to(precision)
    with torch.autocast(merged.device.type, enabled=False):
        sums = weights @ merged.to(precision)
        change = sums - weights.sum(2, keepdim=True) * into.to(precision)
        return change.to(merged.dtype)


def _each(places: Tensor, like: Tensor) -> Tensor:
    """Return the same places (m,) for each sequence: (P, m)."""
    return places.expand(like.shape[0], -1)
