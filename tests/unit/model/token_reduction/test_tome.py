"""ToMe's counts and names; its matching is that of test_bipartite_matching."""

import pytest
import torch

from model.token_reduction.base import LayerTokens, Tokens, TowerShape
from model.token_reduction.tome import ToMe

B32 = TowerShape(12, 49, 1)
B16 = TowerShape(12, 196, 1)


@pytest.mark.parametrize(
    ("shape", "patch", "merged", "billions"),
    [(B32, 32, 2, 40.1), (B32, 32, 3, 33.8), (B16, 16, 8, 157.2), (B16, 16, 13, 124.4), (B16, 16, 16, 105.3)],
)
def test_twelve_frames_cost_what_the_specification_counts(
    shape: TowerShape, patch: int, merged: int, billions: float
) -> None:
    width = 768
    total = 12 * (shape.patches * 3 * patch**2 * width + width * 512)
    for layer in ToMe(merged).schedule(shape, 12):
        attention = 4 * layer.attended * width**2 + 2 * layer.attended**2 * width
        total += layer.sequences * (attention + 8 * layer.leaving * width**2)
    assert total / 1e9 == pytest.approx(billions, abs=0.06)


def test_every_block_merges_r_tokens_of_each_frame() -> None:
    tokens = Tokens(torch.randn(6, 50, 8), 3, 1)
    schedule = ToMe(3).schedule(B32, 3)
    assert schedule[0] == LayerTokens(3, 50, 50, 47)
    for block, counts in enumerate(schedule):
        assert ToMe(3).wants_keys(block)
        assert tokens.per_sequence == counts.attended
        tokens = ToMe(3).after_attention(block, tokens, torch.randn(6, tokens.per_sequence, 4))
        assert tokens.per_sequence == counts.leaving
        assert tokens.sizes is not None and tokens.sizes.sum(1).eq(50).all()


def test_the_pair_with_the_most_alike_keys_is_averaged() -> None:
    keys = torch.eye(5).unsqueeze(0)
    keys[0, 4] = keys[0, 1]
    tokens = ToMe(1).after_attention(0, Tokens(torch.arange(5.0).view(1, 5, 1), 1, 1), keys)
    assert tokens.values.flatten().tolist() == [0.0, 2.0, 2.5, 3.0]
    assert tokens.sizes is not None and tokens.sizes.tolist() == [[1.0, 1.0, 2.0, 1.0]]


@pytest.mark.parametrize(("patches", "merged"), [(49, 2), (196, 10), (4, 1)])
def test_by_default_a_block_merges_a_twentieth_of_the_patches(patches: int, merged: int) -> None:
    assert ToMe.parse("", TowerShape(12, patches, 1), 12) == ToMe(merged)


def test_a_name_gives_an_equal_reducer() -> None:
    assert ToMe(3).name == "tome:3"
    assert ToMe.parse("3", B32, 12) == ToMe(3)


@pytest.mark.parametrize("options", ["two", "-1", "2/3", "²"])
def test_malformed_options_are_shown_an_example(options: str) -> None:
    with pytest.raises(ValueError, match="write it like tome:2, or just tome"):
        ToMe.parse(options, B32, 12)


def test_merging_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="the least is tome:1"):
        ToMe.parse("0", B32, 12)


def test_more_than_half_of_the_patches_are_refused_with_the_most_that_can_be() -> None:
    with pytest.raises(ValueError, match=r"a frame has 49 patches.*at most 24"):
        ToMe(25).schedule(B32, 12)
