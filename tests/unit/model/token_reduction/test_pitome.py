"""PiToMe against a version that goes token by token, and its protection of the unlike."""

from math import exp

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from model.token_reduction.base import Tokens, TowerShape
from model.token_reduction.bipartite_matching import Matching
from model.token_reduction.pitome import PiToMe, energy, match_redundant
from model.token_reduction.tome import ToMe

B32 = TowerShape(12, 49, 1)


def match_one_by_one(
    metric: Tensor, classes: int, wanted: int, margin: float
) -> tuple[list[int], set[tuple[int, int]]]:
    """Return the places kept, in order, and the pairs (merged, into) of one sequence (n, C)."""
    patches = range(classes, len(metric))

    def alike(one: int, other: int) -> float:
        return cosine_similarity(metric[one], metric[other], dim=0).item()

    def attraction(cosine: float) -> float:
        return cosine if cosine >= margin else exp(cosine - margin) - 1

    energies = {
        place: sum(attraction(alike(place, other)) for other in patches) / len(patches) for place in patches
    }
    ranked = sorted(patches, key=lambda place: -energies[place])
    redundant, protected = ranked[: 2 * wanted], sorted(ranked[2 * wanted :])
    sources, targets = redundant[::2], redundant[1::2]
    pairs = {(source, max(targets, key=lambda target: alike(source, target))) for source in sources}
    return [*range(classes), *protected, *targets], pairs


def require(matching: Matching | None) -> Matching:
    assert matching is not None
    return matching


@pytest.mark.parametrize(("class_tokens", "wanted", "margin"), [(1, 4, 0.9), (0, 10, 0.45), (3, 1, 0.075)])
def test_tokens_are_matched_as_token_by_token(class_tokens: int, wanted: int, margin: float) -> None:
    metric = torch.randn(3, 21 + class_tokens, 6, dtype=torch.float64)
    matching = require(match_redundant(metric, class_tokens, wanted, margin))
    for index in range(3):
        kept, pairs = match_one_by_one(metric[index], class_tokens, wanted, margin)
        assert matching.kept[index].tolist() == kept
        into = matching.kept[index].gather(0, matching.destinations[index]).tolist()
        assert set(zip(matching.merged[index].tolist(), into, strict=True)) == pairs


def test_tokens_like_no_other_are_protected() -> None:
    """Six tokens point one way, and four each its own; three merges stay among the six."""
    keys = torch.zeros(1, 11, 5)
    keys[0, [1, 3, 4, 6, 8, 9], 0] = 1
    for channel, place in enumerate((2, 5, 7, 10), start=1):
        keys[0, place, channel] = 1
    values = torch.arange(11.0).view(1, 11, 1)
    tokens = PiToMe(3).after_attention(0, Tokens(values, 1, 1), keys)
    assert tokens.values[0, :5, 0].tolist() == [0.0, 2.0, 5.0, 7.0, 10.0]
    assert tokens.sizes is not None
    assert tokens.sizes[0, :5].tolist() == [1.0] * 5 and tokens.sizes.sum().item() == 11


def test_the_energy_of_tokens_beyond_the_margin_is_negative() -> None:
    cosines = torch.tensor([[[1.0, 0.95, 0.2], [0.95, 1.0, 0.9], [0.2, 0.9, 1.0]]])
    first = (1 + 0.95 + exp(0.2 - 0.9) - 1) / 3
    assert energy(cosines, 0.9)[0].tolist() == pytest.approx([first, 2.85 / 3, (1 + 0.9 + exp(-0.7) - 1) / 3])


def test_the_margin_falls_from_block_to_block() -> None:
    """Two close tokens attract each other most at first, four that are less close at last."""
    cosines = torch.eye(6)
    cosines[:2, :2] = 0.95
    cosines[2:, 2:] = 0.6
    keys = torch.linalg.cholesky(cosines.fill_diagonal_(1)).unsqueeze(0)
    assert require(PiToMe(1).match(0, keys, 0)).merged.item() in {0, 1}
    assert require(PiToMe(1).match(11, keys, 0)).merged.item() in {2, 3, 4, 5}


def test_the_counts_are_those_of_tome() -> None:
    assert PiToMe(3).schedule(B32, 12) == ToMe(3).schedule(B32, 12)


def test_a_sequence_without_pairs_stays_as_it_is() -> None:
    tokens = Tokens(torch.randn(1, 2, 4), 1, 1)
    assert PiToMe(1).after_attention(0, tokens, torch.randn(1, 2, 4)) is tokens


def test_a_name_gives_an_equal_reducer() -> None:
    assert PiToMe(3).name == "pitome:3"
    assert PiToMe.parse("3", B32, 12) == PiToMe(3)
    assert PiToMe.parse("", TowerShape(24, 196, 1), 12) == PiToMe(10, layers=24)


def test_malformed_options_are_shown_an_example() -> None:
    with pytest.raises(ValueError, match="pitome:2"):
        PiToMe.parse("x", B32, 12)


def test_a_tower_of_another_depth_is_refused() -> None:
    with pytest.raises(ValueError, match="layers=24"):
        PiToMe(2).schedule(TowerShape(24, 49, 1), 12)
