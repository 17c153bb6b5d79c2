"""k-medoids++ against the specification's vectors and against an oracle that loops in float64."""

import math

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from model.token_reduction import distances
from model.token_reduction import kmedoids as kmedoids_module
from model.token_reduction.distances import Metric, pairwise_distances
from model.token_reduction.kmedoids import kmedoids
from tests.kmedoids_oracle import cosine, find_medoids, manhattan, redundant_tokens

ORACLES = {Metric.EUCLIDEAN: math.dist, Metric.MANHATTAN: manhattan, Metric.COSINE: cosine}


def line(*values: float) -> Tensor:
    """Return one group of tokens with a single channel, (1, M, 1)."""
    return torch.tensor(values, dtype=torch.float32).reshape(1, -1, 1)


def medoids_of(tokens: Tensor, clusters: int, metric: Metric = Metric.EUCLIDEAN) -> Tensor:
    return kmedoids(tokens, clusters, metric).medoids


def count_right(tokens: Tensor, clusters: int, metric: Metric) -> int:
    """Return how many groups of tokens (G, M, C) get the very medoids of the oracle."""
    found = medoids_of(tokens, clusters, metric).tolist()
    expected = [find_medoids(points, clusters, ORACLES[metric])[0] for points in tokens]
    return sum(medoids == wanted for medoids, wanted in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("tokens", "clusters", "medoids"),
    [(line(0, 1, 10, 11, 12), 2, [0, 3]), (line(0, 4, 5, 9, 10, 20), 2, [1, 4])],
)
def test_the_specified_ties_are_decided_as_specified(
    tokens: Tensor, clusters: int, medoids: list[int]
) -> None:
    assert medoids_of(tokens, clusters).tolist() == [medoids]
    assert find_medoids(tokens[0], clusters)[0] == medoids


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("clusters", [1, 2, 7, 49, 60])
def test_of_identical_tokens_the_first_are_kept(clusters: int, metric: Metric) -> None:
    tokens = torch.randn(1, 1, 256).expand(3, 60, 256)
    assert medoids_of(tokens, clusters, metric).tolist() == [list(range(clusters))] * 3


@pytest.mark.parametrize("metric", Metric)
def test_of_identical_frames_the_first_frame_is_kept(metric: Metric) -> None:
    frame = torch.randn(2, 1, 49, 64)
    assert medoids_of(frame.expand(2, 3, 49, 64).flatten(1, 2), 49, metric).tolist() == [list(range(49))] * 2


@pytest.mark.parametrize("metric", Metric)
def test_frames_that_differ_by_rounding_only_count_as_identical(metric: Metric) -> None:
    # A still picture: the tower's matrix products round a frame's tokens a little differently by its place.
    frame = 1 + torch.randn(2, 1, 49, 64)
    frames = frame * (1 + 1e-7 * torch.randn(2, 3, 49, 64))
    assert medoids_of(frames.flatten(1, 2), 49, metric).tolist() == [list(range(49))] * 2


def test_as_many_clusters_as_tokens_keep_every_token() -> None:
    assert medoids_of(torch.randn(2, 9, 4), 9).tolist() == [list(range(9))] * 2


def test_one_cluster_keeps_the_token_in_the_middle() -> None:
    assert medoids_of(line(0, 1, 2, 3, 100), 1).tolist() == [[2]]


def test_the_first_seed_is_the_longest_token_before_centring() -> None:
    # Seeded from 9, the 5 between both seeds goes to 9; from 1, the farthest from the mean, it would go to 1.
    assert medoids_of(line(1, 3, 5, 6, 7, 9), 2).tolist() == [[0, 3]]


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize(
    ("segments", "frames", "patches", "clusters"),
    [(100, 2, 9, 9), (30, 3, 16, 12), (6, 3, 49, 49)],
    ids=["many-segments", "fewer-than-a-frame-had", "as-in-ViT-B-32"],
)
def test_medoids_are_those_of_the_float64_oracle_in_99_of_100_segments(
    segments: int, frames: int, patches: int, clusters: int, metric: Metric
) -> None:
    tokens = redundant_tokens(segments, frames, patches, 32, seed=clusters)
    assert count_right(tokens, clusters, metric) >= 0.99 * segments


def test_the_160_medoids_of_588_tokens_in_vit_b_16_are_those_of_the_float64_oracle() -> None:
    assert count_right(redundant_tokens(1, 3, 196, 32, seed=1), 160, Metric.EUCLIDEAN) == 1


@pytest.mark.parametrize("metric", Metric)
def test_members_are_with_the_medoid_that_the_oracle_assigns_them_to(metric: Metric) -> None:
    tokens = redundant_tokens(4, 3, 20, 32, seed=7)
    medoids, members = kmedoids(tokens, 20, metric, with_members=True)
    assert members is not None
    assert kmedoids(tokens, 20, metric).members is None
    for group in range(4):
        expected, assigned = find_medoids(tokens[group], 20, ORACLES[metric])
        assert medoids[group].tolist() == expected
        assert medoids[group][members[group]].tolist() == assigned


def test_more_iterations_than_needed_change_nothing() -> None:
    tokens = redundant_tokens(16, 3, 49, 64, seed=1)
    assert torch.equal(medoids_of(tokens, 49), kmedoids(tokens, 49, iterations=50).medoids)


@pytest.mark.parametrize("metric", Metric)
def test_a_group_has_the_same_medoids_alone_and_in_any_batch(metric: Metric) -> None:
    tokens = redundant_tokens(12, 3, 49, 96, seed=2)
    together = medoids_of(tokens, 49, metric)
    assert torch.equal(together, torch.cat([medoids_of(group.unsqueeze(0), 49, metric) for group in tokens]))
    assert torch.equal(together[5:9], medoids_of(tokens[5:9], 49, metric))


def test_a_small_memory_budget_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = redundant_tokens(5, 2, 20, 16, seed=3)
    unhurried = medoids_of(tokens, 10)
    monkeypatch.setattr(
        kmedoids_module, "MEMORY_BUDGET_BYTES", 2 * 4 * 40 * 40
    )  # two groups, then two, then one
    monkeypatch.setattr(distances, "CACHE_BYTES", 1)
    assert torch.equal(medoids_of(tokens, 10), unhurried)


def test_shuffled_tokens_have_the_same_medoids_at_their_new_places() -> None:
    tokens = redundant_tokens(6, 3, 25, 40, seed=4)
    order = torch.randperm(75)
    shuffled = medoids_of(tokens[:, order], 25)
    assert torch.equal(order[shuffled].sort(1).values, medoids_of(tokens, 25))


def test_medoids_are_distinct_and_ascending() -> None:
    medoids = medoids_of(redundant_tokens(8, 4, 30, 20, seed=5), 50)
    assert (medoids.diff(dim=1) > 0).all()


def test_half_precision_tokens_have_the_medoids_of_their_values_even_under_autocast() -> None:
    tokens = redundant_tokens(4, 3, 49, 64, seed=6).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(medoids_of(tokens, 49), medoids_of(tokens.float(), 49))


def test_double_precision_tokens_have_the_medoids_of_their_values() -> None:
    tokens = redundant_tokens(4, 3, 25, 64, seed=12)
    assert torch.equal(medoids_of(tokens.double(), 25), medoids_of(tokens, 25))


def test_short_cuts_for_matrix_products_change_nothing() -> None:
    tokens = redundant_tokens(4, 3, 49, 64, seed=8)
    exact = medoids_of(tokens, 49)
    torch.set_float32_matmul_precision("medium")
    try:
        assert torch.equal(medoids_of(tokens, 49), exact)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_distances_are_symmetric_to_the_last_bit_and_least_of_a_token_to_itself() -> None:
    for metric in Metric:
        distances = pairwise_distances(redundant_tokens(2, 3, 25, 48, seed=9), metric)
        assert torch.equal(distances, distances.mT)
        assert torch.equal(distances.argmin(2), torch.arange(75).expand(2, 75))


def test_it_compiles_into_one_graph_without_unrolling() -> None:
    def keep(tokens: Tensor) -> Tensor:
        return tokens.take_along_dim(kmedoids(tokens, 20).medoids.unsqueeze(2), 1)

    tokens = redundant_tokens(2, 2, 20, 16, seed=10)
    nodes: list[int] = []

    def count(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> torch.fx.GraphModule:
        nodes.append(len(graph.graph.nodes))
        return graph

    compiled = torch.compile(keep, backend=count, fullgraph=True)
    assert torch.equal(compiled(tokens), keep(tokens))
    assert len(nodes) == 1 and nodes[0] < 20


def test_the_operator_keeps_the_rules_of_custom_operators() -> None:
    arguments = (torch.randn(2, 12, 4), torch.zeros(2, dtype=torch.int64), 5, "l2", 2, True)
    torch.library.opcheck(torch.ops.reelseek.kmedoids.default, arguments)


def test_fake_tensors_get_the_shapes_and_no_search() -> None:
    with FakeTensorMode():
        medoids, members = kmedoids(torch.empty(3, 40, 8, dtype=torch.bfloat16), 7, with_members=True)
    assert (medoids.shape, medoids.dtype) == ((3, 7), torch.int64)
    assert members is not None
    assert (members.shape, members.dtype) == ((3, 40), torch.int64)


def test_tokens_that_are_no_numbers_end_in_valid_indices() -> None:
    medoids = medoids_of(torch.full((2, 12, 4), math.nan), 5)
    assert medoids.shape == (2, 5)
    assert ((medoids >= 0) & (medoids < 12)).all()


@pytest.mark.parametrize("clusters", [-1, 0, 13])
def test_an_impossible_number_of_clusters_is_refused_with_both_numbers(clusters: int) -> None:
    with pytest.raises(ValueError, match=rf"{clusters} medoids of 12 tokens: ask for 1 to 12"):
        medoids_of(torch.randn(1, 12, 4), clusters)


def test_no_iterations_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 iteration, not 0"):
        kmedoids(torch.randn(1, 12, 4), 3, iterations=0)
