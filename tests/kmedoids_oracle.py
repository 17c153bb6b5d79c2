"""k-medoids++ in float64, one loop a sentence of the specification, and tokens to try it on."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Point = list[float]


def redundant_tokens(groups: int, frames: int, patches: int, channels: int, seed: int) -> Tensor:
    """Return tokens as video has them, (G, T*N, C): each frame nearly repeats the one before."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(groups, 1, patches, channels, generator=generator)
    change = torch.randn(groups, frames, patches, channels, generator=generator)
    offset = 3 * torch.randn(1, 1, 1, channels, generator=generator)  # a residual stream is not centred
    return (first + 0.3 * change + offset).flatten(1, 2)


def manhattan(a: Point, b: Point) -> float:
    """Return the sum of absolute differences."""
    return math.fsum(abs(x - y) for x, y in zip(a, b, strict=True))


def cosine(a: Point, b: Point) -> float:
    """Return one minus the cosine of the angle."""
    return 1 - math.fsum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def find_medoids(
    tokens: Tensor,
    clusters: int,
    metric: Callable[[Point, Point], float] = math.dist,
    first: int | None = None,
) -> tuple[list[int], list[int]]:
    """Return the medoids of tokens (M, C), ascending, and the medoid of each token, once nothing moves."""
    points = [[float(value) for value in row] for row in tokens.double()]
    members = range(len(points))
    distance = [[0.0 if i == j else metric(points[i], points[j]) for j in members] for i in members]

    def nearest(point: int, medoids: list[int]) -> int:
        return min(range(clusters), key=lambda slot: (medoids[slot] != point, distance[point][medoids[slot]]))

    medoids = [max(members, key=lambda i: math.hypot(*points[i])) if first is None else first]
    while len(medoids) < clusters:
        rest = [i for i in members if i not in medoids]
        medoids.append(max(rest, key=lambda i: min(distance[i][seed] for seed in medoids)))
    for _ in range(100):
        slots = [nearest(i, medoids) for i in members]
        groups = [[i for i in members if slots[i] == slot] for slot in range(clusters)]
        moved = [min(group, key=lambda i: sum(distance[i][j] for j in group)) for group in groups]
        if moved == medoids:
            return sorted(medoids), [medoids[slot] for slot in slots]
        medoids = moved
    raise ValueError("the oracle did not converge")


def share_of(found: Tensor, expected: list[list[int]]) -> float:
    """Return which part of the medoids found (G, K) are among those expected of the same group."""
    shared = sum(len(set(group.tolist()) & set(right)) for group, right in zip(found, expected, strict=True))
    return shared / found.numel()
