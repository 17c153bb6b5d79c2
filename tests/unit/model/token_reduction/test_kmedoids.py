"""k-medoids++ against the specification's vectors and against an oracle that loops in float64."""

import math

import pytest
import torch
from torch import Tensor

from model.token_reduction.kmedoids import kmedoids


def line(*values: float) -> Tensor:
    """Return one group of tokens with a single channel, (1, M, 1)."""
    return torch.tensor(values, dtype=torch.float32).reshape(1, -1, 1)


def redundant_tokens(groups: int, frames: int, patches: int, channels: int, seed: int) -> Tensor:
    """Return tokens as video has them, (G, T*N, C): each frame nearly repeats the one before."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(groups, 1, patches, channels, generator=generator)
    change = torch.randn(groups, frames, patches, channels, generator=generator)
    offset = 3 * torch.randn(1, 1, 1, channels, generator=generator)  # a residual stream is not centred
    return (first + 0.3 * change + offset).flatten(1, 2)


def oracle(tokens: Tensor, clusters: int) -> list[int]:
    """Return the medoids of tokens (M, C), one loop a sentence of MODEL-SPEC 1.5, until nothing moves."""
    points = [[float(value) for value in row] for row in tokens.double()]
    members = range(len(points))
    distance = [[0.0 if i == j else math.dist(points[i], points[j]) for j in members] for i in members]

    def nearest(point: int, medoids: list[int]) -> int:
        return min(range(clusters), key=lambda slot: (medoids[slot] != point, distance[point][medoids[slot]]))

    medoids = [max(members, key=lambda i: math.hypot(*points[i]))]
    while len(medoids) < clusters:
        rest = [i for i in members if i not in medoids]
        medoids.append(max(rest, key=lambda i: min(distance[i][seed] for seed in medoids)))
    for _ in range(100):
        slots = [nearest(i, medoids) for i in members]
        groups = [[i for i in members if slots[i] == slot] for slot in range(clusters)]
        moved = [min(group, key=lambda i: sum(distance[i][j] for j in group)) for group in groups]
        if moved == medoids:
            return sorted(medoids)
        medoids = moved
    raise ValueError("the oracle did not converge")


@pytest.mark.parametrize(
    ("tokens", "clusters", "medoids"),
    [(line(0, 1, 10, 11, 12), 2, [0, 3]), (line(0, 4, 5, 9, 10, 20), 2, [1, 4])],
)
def test_the_specified_ties_are_decided_as_specified(
    tokens: Tensor, clusters: int, medoids: list[int]
) -> None:
    assert kmedoids(tokens, clusters).tolist() == [medoids]
    assert oracle(tokens[0], clusters) == medoids


@pytest.mark.parametrize("clusters", [1, 2, 7, 49, 60])
def test_of_identical_tokens_the_first_are_kept(clusters: int) -> None:
    tokens = torch.randn(1, 1, 256).expand(3, 60, 256)
    assert kmedoids(tokens, clusters).tolist() == [list(range(clusters))] * 3


def test_of_identical_frames_the_first_frame_is_kept() -> None:
    frame = torch.randn(2, 1, 49, 64)
    assert kmedoids(frame.expand(2, 3, 49, 64).flatten(1, 2), 49).tolist() == [list(range(49))] * 2


def test_frames_that_differ_by_rounding_only_count_as_identical() -> None:
    # A still picture: the tower's matrix products round a frame's tokens a little differently by its place.
    frame = 1 + torch.randn(2, 1, 49, 64)
    frames = frame * (1 + 1e-7 * torch.randn(2, 3, 49, 64))
    assert kmedoids(frames.flatten(1, 2), 49).tolist() == [list(range(49))] * 2


def test_as_many_clusters_as_tokens_keep_every_token() -> None:
    assert kmedoids(torch.randn(2, 9, 4), 9).tolist() == [list(range(9))] * 2


def test_one_cluster_keeps_the_token_in_the_middle() -> None:
    assert kmedoids(line(0, 1, 2, 3, 100), 1).tolist() == [[2]]


def test_the_first_seed_is_the_longest_token_before_centring() -> None:
    # Seeded from 9, the 5 between both seeds goes to 9; from 1, the farthest from the mean, it would go to 1.
    assert kmedoids(line(1, 3, 5, 6, 7, 9), 2).tolist() == [[0, 3]]


@pytest.mark.parametrize(
    ("frames", "patches", "channels", "clusters"), [(2, 16, 24, 16), (3, 25, 48, 25), (3, 36, 32, 20)]
)
def test_medoids_are_those_of_the_float64_oracle(
    frames: int, patches: int, channels: int, clusters: int
) -> None:
    tokens = redundant_tokens(8, frames, patches, channels, seed=clusters)
    found = kmedoids(tokens, clusters)
    shared = sum(
        len(set(group.tolist()) & set(oracle(points, clusters)))
        for group, points in zip(found, tokens, strict=True)
    )
    assert shared >= 0.99 * found.numel()


def test_more_iterations_than_needed_change_nothing() -> None:
    tokens = redundant_tokens(16, 3, 49, 64, seed=1)
    assert torch.equal(kmedoids(tokens, 49), kmedoids(tokens, 49, iterations=50))


def test_a_group_has_the_same_medoids_alone_and_in_any_batch() -> None:
    tokens = redundant_tokens(12, 3, 49, 96, seed=2)
    together = kmedoids(tokens, 49)
    assert torch.equal(together, torch.cat([kmedoids(group.unsqueeze(0), 49) for group in tokens]))
    assert torch.equal(together[5:9], kmedoids(tokens[5:9], 49))


def test_a_small_memory_budget_changes_nothing() -> None:
    tokens = redundant_tokens(5, 2, 20, 16, seed=3)
    assert torch.equal(kmedoids(tokens, 10, memory_budget_bytes=1), kmedoids(tokens, 10))


def test_shuffled_tokens_have_the_same_medoids_at_their_new_places() -> None:
    tokens = redundant_tokens(6, 3, 25, 40, seed=4)
    order = torch.randperm(75)
    shuffled = kmedoids(tokens[:, order], 25)
    assert torch.equal(order[shuffled].sort(1).values, kmedoids(tokens, 25))


def test_medoids_are_distinct_and_ascending() -> None:
    medoids = kmedoids(redundant_tokens(8, 4, 30, 20, seed=5), 50)
    assert (medoids.diff(dim=1) > 0).all()


def test_half_precision_tokens_have_the_medoids_of_their_values_even_under_autocast() -> None:
    tokens = redundant_tokens(4, 3, 49, 64, seed=6).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(kmedoids(tokens, 49), kmedoids(tokens.float(), 49))


def test_tokens_that_are_no_numbers_end_in_valid_indices() -> None:
    medoids = kmedoids(torch.full((2, 12, 4), math.nan), 5)
    assert medoids.shape == (2, 5)
    assert ((medoids >= 0) & (medoids < 12)).all()


@pytest.mark.parametrize("clusters", [-1, 0, 13])
def test_an_impossible_number_of_clusters_is_refused_with_both_numbers(clusters: int) -> None:
    with pytest.raises(ValueError, match=rf"{clusters} medoids of 12 tokens: ask for 1 to 12"):
        kmedoids(torch.randn(1, 12, 4), clusters)


def test_no_iterations_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 iteration, not 0"):
        kmedoids(torch.randn(1, 12, 4), 3, iterations=0)
