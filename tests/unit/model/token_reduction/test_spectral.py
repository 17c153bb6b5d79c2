"""Spectral clustering against an oracle in float64 that decomposes by singular values, as the paper does."""

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from model.token_reduction.base import Tokens, TowerShape
from model.token_reduction.kmedoids import cluster_by
from model.token_reduction.segments import Stage
from model.token_reduction.spectral import (
    Spectral,
    count_neighbours,
    row_distances,
    spectral_clusters,
    spectral_rows,
)
from tests.kmedoids_oracle import find_medoids, redundant_tokens, share_of

B32 = TowerShape(layers=12, patches=49, class_tokens=1)


def graph(points: Tensor, neighbours: int | None) -> Tensor:
    """Return the affinities (M, M) of points (M, C): one loop a sentence of MODEL-SPEC 1.6."""
    members = range(len(points))
    affinity = torch.zeros(len(points), len(points), dtype=torch.float64)
    for i in members:
        for j in members:
            affinity[i, j] = torch.exp(-(points[i] - points[j]).square().sum() / (2 * 2.0**2))
    if neighbours is None:
        return affinity
    joined = torch.zeros_like(affinity)
    for i in members:
        by_affinity = sorted(members, key=lambda j, i=i: (-float(affinity[i, j]), j != i, j))  # type: ignore[misc]
        for j in by_affinity[:neighbours]:
            joined[i, j] = affinity[i, j]
            joined[j, i] = affinity[j, i]
    return joined


def oracle(tokens: Tensor, clusters: int, neighbours: int | None) -> list[int]:
    """Return the medoids of tokens (M, C)."""
    affinity = graph(tokens.double(), neighbours)
    degrees = affinity.sum(1)
    scale = torch.diag(degrees**-0.5)
    laplacian = scale @ (torch.diag(degrees) - affinity) @ scale
    rows = torch.linalg.svd(laplacian).U[:, -clusters:]  # of the smallest singular values
    for row in rows:
        row /= max(float(row.norm()), 1e-6)
    return find_medoids(rows, clusters, first=int(degrees.argmax()))[0]


@pytest.mark.parametrize("joins_all", [False, True])
@pytest.mark.parametrize(
    ("scale", "frames", "patches", "channels", "clusters"),
    [
        (1.0, 2, 16, 24, 16),  # some affinities of every size
        (0.7, 3, 20, 32, 20),
        (0.3, 2, 25, 768, 25),  # frames repeat, patches have nothing in common: rows differ by 1e-5
    ],
)
def test_medoids_are_those_of_the_float64_oracle(
    scale: float, frames: int, patches: int, channels: int, clusters: int, joins_all: bool
) -> None:
    tokens = scale * redundant_tokens(3, frames, patches, channels, seed=clusters)
    neighbours = None if joins_all else count_neighbours(frames * patches, frames)
    expected = [oracle(group, clusters, neighbours) for group in tokens]
    assert share_of(spectral_clusters(tokens, clusters, neighbours).medoids, expected) >= 0.99


def test_turning_the_signs_of_eigenvectors_changes_no_medoid() -> None:
    rows, degrees = spectral_rows(0.7 * redundant_tokens(4, 3, 20, 32, seed=1), 20, 15)
    turned = rows * torch.tensor([1.0, -1.0], dtype=rows.dtype).repeat(10)
    assert torch.equal(row_distances(turned), row_distances(rows))
    medoids = [cluster_by(row_distances(each), degrees.argmax(1), 20, 5, False)[0] for each in (rows, turned)]
    assert torch.equal(*medoids)


def test_seeding_starts_from_the_token_of_the_largest_degree() -> None:
    # One token between two, and one too far away to be joined to anything: its row is as good as any other.
    tokens = torch.tensor([0.0, 1.0, 2.0, 50.0]).reshape(1, 4, 1)
    rows, degrees = spectral_rows(tokens, 2, None)
    assert degrees.argmax(1).tolist() == [1]
    torch.testing.assert_close(rows.norm(dim=2), torch.ones(1, 4, dtype=torch.float64))
    assert spectral_clusters(tokens, 2, None).medoids.tolist()[0][1] == 3


def test_where_seeding_starts_is_what_decides_between_equals() -> None:
    tokens = redundant_tokens(4, 2, 16, 2, seed=6)
    rows, degrees = spectral_rows(tokens, 6, 10)
    largest, least = (
        cluster_by(row_distances(rows), first, 6, 5, False)[0]
        for first in (degrees.argmax(1), degrees.argmin(1))
    )
    assert not torch.equal(largest, least)
    assert torch.equal(spectral_clusters(tokens, 6, 10).medoids, largest)


@pytest.mark.parametrize(
    ("members", "joined", "neighbours"), [(147, 3, 15), (245, 5, 25), (588, 3, 20), (784, 4, 25), (4, 1, 4)]
)
def test_neighbours_are_counted_by_frames_and_patches(members: int, joined: int, neighbours: int) -> None:
    assert count_neighbours(members, joined) == neighbours


@pytest.mark.parametrize("neighbours", [6, None])
def test_tokens_too_far_apart_to_be_joined_still_have_medoids(neighbours: int | None) -> None:
    medoids = spectral_clusters(1000 * torch.randn(2, 12, 4), 5, neighbours).medoids
    assert (medoids.diff(dim=1) > 0).all()
    assert ((medoids >= 0) & (medoids < 12)).all()


@pytest.mark.parametrize("neighbours", [6, None])
def test_tokens_that_are_no_numbers_end_in_valid_indices(neighbours: int | None) -> None:
    tokens = torch.randn(2, 12, 4)
    tokens[1, 5:] = torch.nan
    medoids = spectral_clusters(tokens, 5, neighbours).medoids
    assert ((medoids >= 0) & (medoids < 12)).all()
    assert torch.equal(medoids[0], spectral_clusters(tokens[:1], 5, neighbours).medoids[0])


def test_of_identical_frames_the_first_frame_is_kept() -> None:
    frame = torch.randn(2, 1, 16, 24)
    tokens = frame.expand(2, 3, 16, 24).flatten(1, 2)
    assert spectral_clusters(tokens, 16, 15).medoids.tolist() == [list(range(16))] * 2


@pytest.mark.parametrize("neighbours", [15, None])
def test_a_group_has_the_same_medoids_alone_and_in_any_batch(neighbours: int | None) -> None:
    tokens = 0.7 * redundant_tokens(6, 3, 30, 32, seed=2)
    together = spectral_clusters(tokens, 30, neighbours).medoids
    alone = [spectral_clusters(group, 30, neighbours).medoids for group in tokens.split(1)]
    assert torch.equal(together, torch.cat(alone))


def test_half_precision_tokens_have_the_medoids_of_their_values_even_under_autocast() -> None:
    tokens = (0.7 * redundant_tokens(2, 3, 20, 32, seed=3)).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.inference_mode():
        medoids = spectral_clusters(tokens, 20, 15).medoids
    assert torch.equal(medoids, spectral_clusters(tokens.float(), 20, 15).medoids)


@pytest.mark.parametrize("clusters", [0, 13])
def test_an_impossible_number_of_clusters_is_refused(clusters: int) -> None:
    with pytest.raises(ValueError, match=rf"{clusters} medoids of 12 tokens: ask for 1 to 12"):
        spectral_clusters(torch.randn(1, 12, 4), clusters, None)


def video(values: Tensor) -> Tokens:
    """Return tokens of one video of six frames."""
    return Tokens(values, 6, class_tokens=1)


@pytest.mark.parametrize("joins_all", [False, True])
def test_a_segment_keeps_its_medoids_unchanged_and_gives_gradient_to_no_other(joins_all: bool) -> None:
    values = torch.cat([torch.randn(6, 1, 32), redundant_tokens(6, 1, 20, 32, seed=4)], 1).requires_grad_()
    reduced = Spectral((Stage(1, 2, 20),), joins_all=joins_all).before_block(1, video(values)).values
    patches = values.detach()[:, 1:].reshape(2, 60, 32)
    medoids = spectral_clusters(patches, 20, None if joins_all else 15).medoids
    assert torch.equal(reduced[:, 1:], patches.take_along_dim(medoids.unsqueeze(2), 1))
    reduced.sum().backward()
    assert values.grad is not None
    assert values.grad[:, 1:, 0].reshape(2, 60).nonzero()[:, 1].tolist() == medoids.flatten().tolist()


def test_means_are_of_all_members() -> None:
    patches = 0.7 * redundant_tokens(2, 3, 20, 32, seed=5)
    reducer = Spectral((Stage(1, 2, 20),), mean=True)
    reduced = reducer.before_block(1, Tokens(patches.reshape(6, 20, 32), 6, class_tokens=0)).values
    members = spectral_clusters(patches, 20, 15, with_members=True).members
    assert members is not None
    torch.testing.assert_close(reduced[1, 3], patches[1][members[1] == 3].mean(0))


def test_it_compiles_into_one_graph_and_runs_on_fake_tensors() -> None:
    def run(values: Tensor) -> Tensor:
        return Spectral((Stage(1, 2, 20),)).before_block(1, video(values)).values

    values = torch.randn(6, 21, 16)
    assert torch.equal(torch.compile(run, backend="aot_eager", fullgraph=True)(values), run(values))
    torch.library.opcheck(torch.ops.reelseek.spectral_clusters.default, (torch.randn(2, 12, 4), 5, 6, True))
    with FakeTensorMode():
        assert run(torch.empty(6, 21, 16)).shape == (2, 21, 16)


@pytest.mark.parametrize("options", ["B6-4,49", "B6-4,49/heat", "B4-6,49+B8-3,49/heat/mean"])
def test_a_name_is_read_as_it_is_written(options: str) -> None:
    assert Spectral.parse(options, B32, 12).name == f"spectral:{options}"
    assert Spectral.parse(options, B32, 12).joins_all == ("heat" in options)
    assert Spectral.parse("", B32, 12) == Spectral((Stage(6, 4, 49),))


@pytest.mark.parametrize("word", ["l1", "knn", "3-iterations"])
def test_an_option_of_another_method_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=rf"'{word}' is no option of spectral: known are heat and mean"):
        Spectral.parse(f"B6-4,49/{word}", B32, 12)
