"""Matching and merging against a version that goes token by token, in float64."""

from math import sqrt
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from model.token_reduction.base import Tokens
from model.token_reduction.bipartite_matching import Matching, cosine_similarity, count_merged, match, merge

WIDTH = 16


class Token(NamedTuple):
    vector: list[float]
    size: float
    origin: int


def merge_one_by_one(
    sequence: list[Token], metric: list[list[float]], classes: int, wanted: int
) -> list[Token]:
    """Merge one sequence as MODEL-SPEC 2.2 says, in plain Python."""
    patches = range(classes, len(sequence))
    first_is_source = classes % 2 == 0
    sources = [place for place in patches if (place - classes) % 2 == (0 if first_is_source else 1)]
    targets = [place for place in patches if place not in sources]
    proposals = []
    for source in sources:
        best = targets[0] if targets else source
        for target in targets:
            if cosine(metric[source], metric[target]) > cosine(metric[source], metric[best]):
                best = target
        proposals.append((-cosine(metric[source], metric[best]), source, best))
    executed = sorted(proposals)[: min(wanted, len(patches) // 2)]
    folded = {source for _, source, _ in executed}
    result = list(sequence[:classes])
    result += [sequence[source] for source in sources if source not in folded]
    for target in targets:
        members = [sequence[target], *(sequence[source] for _, source, best in executed if best == target)]
        result.append(weighted_mean(members))
    return result


def weighted_mean(members: list[Token]) -> Token:
    size = sum(member.size for member in members)
    channels = zip(*(member.vector for member in members), strict=True)
    vector = [
        sum(member.size * value for member, value in zip(members, channel, strict=True)) / size
        for channel in channels
    ]
    return Token(vector, size, members[0].origin)


def cosine(one: list[float], other: list[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (sqrt(sum(a * a for a in one)) * sqrt(sum(b * b for b in other)))


def make_tokens(
    sequences: int, length: int, class_tokens: int, dtype: torch.dtype = torch.float64, width: int = WIDTH
) -> Tokens:
    return Tokens(
        torch.randn(sequences, length, width, dtype=dtype),
        sequences,
        class_tokens,
        torch.randint(1, 9, (sequences, length)).float(),
        torch.randint(0, 49, (sequences, length - class_tokens)),
    )


def reduce(tokens: Tokens, metric: Tensor, wanted: int) -> Tokens:
    return merge(tokens, match(metric, tokens.class_tokens, wanted))


def require(matching: Matching | None) -> Matching:
    assert matching is not None
    return matching


@pytest.mark.parametrize(
    ("length", "class_tokens", "wanted"),
    [(50, 1, 2), (50, 1, 24), (50, 1, 99), (49, 0, 10), (16, 0, 8), (48, 2, 20), (33, 3, 15), (40, 12, 13)],
)
def test_tokens_are_merged_as_token_by_token(length: int, class_tokens: int, wanted: int) -> None:
    tokens = make_tokens(3, length, class_tokens)
    metric = torch.randn(3, length, 5, dtype=torch.float64)
    result = reduce(tokens, metric, wanted)
    assert tokens.sizes is not None and tokens.origins is not None
    assert result.sizes is not None and result.origins is not None
    for index in range(3):
        origins = [-1] * class_tokens + tokens.origins[index].tolist()
        sequence = [
            Token(*fields)
            for fields in zip(
                tokens.values[index].tolist(), tokens.sizes[index].tolist(), origins, strict=True
            )
        ]
        expected = merge_one_by_one(sequence, metric[index].tolist(), class_tokens, wanted)
        assert result.sizes[index].tolist() == [token.size for token in expected]
        assert result.origins[index].tolist() == [token.origin for token in expected[class_tokens:]]
        vectors = torch.tensor([token.vector for token in expected], dtype=torch.float64)
        torch.testing.assert_close(result.values[index], vectors, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("class_tokens", "sources"), [(0, {0, 2, 4}), (1, {2, 4, 6}), (2, {2, 4, 6}), (3, {4, 6, 8})]
)
def test_the_even_places_of_a_sequence_are_the_ones_merged(class_tokens: int, sources: set[int]) -> None:
    matching = require(match(torch.randn(1, class_tokens + 7, 4), class_tokens, 3))
    left_out = set(range(class_tokens + 7)) - set(matching.kept[0].tolist())
    assert set(matching.merged[0].tolist()) == left_out
    assert left_out <= {*sources, class_tokens + 6}


def test_of_equals_the_first_propose_and_the_first_is_chosen() -> None:
    matching = require(match(torch.ones(1, 9, 4), 1, 2))
    assert matching.merged.tolist() == [[2, 4]]
    assert matching.kept.tolist() == [[0, 6, 8, 1, 3, 5, 7]]
    assert matching.destinations.tolist() == [[3, 3]]


def test_tokens_folded_into_one_weigh_by_their_sizes() -> None:
    values = torch.tensor([[[0.0], [1.0], [2.0], [3.0], [5.0]]])
    sizes = torch.tensor([[1.0, 2.0, 1.0, 3.0, 4.0]])
    matching = Matching(torch.tensor([[0, 1]]), torch.tensor([[4, 2, 3]]), torch.tensor([[1, 1, 1]]))
    result = merge(Tokens(values, 1, 1, sizes), matching)
    assert result.values.flatten().tolist() == pytest.approx([0.0, (2 + 2 + 9 + 20) / 10])
    assert result.sizes is not None and result.sizes.tolist() == [[1.0, 10.0]]


def test_tokens_without_sizes_count_one_each() -> None:
    tokens = Tokens(torch.randn(2, 10, WIDTH), 2, 1)
    result = reduce(tokens, tokens.values, 3)
    assert result.sizes is not None
    assert result.sizes.sum(1).tolist() == [10.0, 10.0]
    assert result.sizes[:, 0].tolist() == [1.0, 1.0]


def test_tokens_that_take_no_part_keep_their_bits() -> None:
    tokens = make_tokens(2, 50, 1, torch.float32)
    matching = require(match(tokens.values, 1, 4))
    result = merge(tokens, matching)
    for index in range(2):
        untouched = set(range(46)) - set(matching.destinations[index].tolist())
        for place in untouched:
            assert torch.equal(result.values[index, place], tokens.values[index, matching.kept[index, place]])


@pytest.mark.parametrize("patches", [0, 1])
def test_fewer_than_two_patches_stay_as_they_are(patches: int) -> None:
    tokens = Tokens(torch.randn(2, 1 + patches, WIDTH), 2, 1)
    assert reduce(tokens, tokens.values, 3) is tokens


def test_at_most_half_of_the_patches_go() -> None:
    assert [count_merged(9, patches) for patches in (0, 1, 7, 18, 40)] == [0, 0, 3, 9, 9]


def test_a_token_without_direction_is_alike_to_none() -> None:
    metric = torch.ones(1, 5, 4)
    metric[0, 2] = 0
    matching = require(match(metric, 1, 1))
    assert matching.merged.tolist() == [[4]]


def test_the_gradient_passes_through_the_mean_and_not_through_the_matching() -> None:
    values = torch.randn(2, 13, 4, dtype=torch.float64, requires_grad=True)
    metric = torch.randn(2, 13, 4, requires_grad=True)
    sizes = torch.randint(1, 9, (2, 13)).float()

    def merged_values(values: Tensor) -> Tensor:
        return reduce(Tokens(values, 2, 1, sizes), metric, 5).values

    assert torch.autograd.gradcheck(merged_values, (values,), atol=1e-6)
    merged_values(values).sum().backward()
    assert metric.grad is None


def test_a_sequence_is_merged_alike_alone_and_among_others() -> None:
    tokens = make_tokens(5, 50, 1, torch.float32, width=64)
    together = reduce(tokens, tokens.values, 10)
    assert tokens.sizes is not None and together.sizes is not None
    for index in range(5):
        alone = reduce(
            Tokens(tokens.values[index, None], 1, 1, tokens.sizes[index, None]),
            tokens.values[index, None],
            10,
        )
        assert torch.equal(
            alone.sizes if alone.sizes is not None else alone.values, together.sizes[index, None]
        )
        torch.testing.assert_close(alone.values, together.values[index, None])


def test_half_precision_is_averaged_in_single_precision() -> None:
    """The mean of four times 1 and four times 1 + 2^-6 is exact, if it is rounded once."""
    values = torch.full((1, 9, 1), 1.0, dtype=torch.bfloat16)
    values[0, 1::2] = 1 + 2**-6
    matching = Matching(torch.tensor([[0, 1]]), torch.arange(2, 9)[None], torch.ones(1, 7, dtype=torch.int64))
    result = merge(Tokens(values, 1, 1), matching)
    assert result.values.dtype == torch.bfloat16
    assert result.values[0, 1].item() == 1 + 2**-7


def test_autocast_does_not_make_ties() -> None:
    metric = 1 + 1e-4 * torch.randn(1, 20, WIDTH)
    exact = require(match(metric, 0, 5))
    with torch.autocast("cpu", torch.bfloat16):
        matching = require(match(metric, 0, 5))
    assert torch.equal(matching.merged, exact.merged)
    assert torch.equal(matching.destinations, exact.destinations)


def test_no_graph_is_kept_of_the_similarities() -> None:
    metric = torch.randn(1, 4, WIDTH, requires_grad=True)
    assert not cosine_similarity(metric, metric).requires_grad
