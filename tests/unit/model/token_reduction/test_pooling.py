"""Frame pooling: each token becomes its mean over the frames of a segment."""

import pytest
import torch
from torch.testing import assert_close

from model.token_reduction.base import LayerTokens, Tokens, TowerShape
from model.token_reduction.pooling import FramePooling


@pytest.mark.parametrize("class_tokens", [1, 0])
def test_a_token_becomes_the_mean_of_those_at_its_place(class_tokens: int) -> None:
    values = torch.randn(2 * 6, class_tokens + 5, 8)
    origins = torch.arange(5).expand(12, -1)
    pooled = FramePooling(3, segments=2).before_block(3, Tokens(values, 6, class_tokens, origins=origins))
    expected = torch.stack([values[start : start + 3].mean(0) for start in (0, 3, 6, 9)])
    assert_close(pooled.values, expected)
    assert (pooled.sequences, pooled.class_tokens) == (2, class_tokens)
    assert pooled.origins is not None
    assert torch.equal(pooled.origins, origins[:4])


def test_it_pools_before_its_block_only() -> None:
    tokens = Tokens(torch.randn(6, 5, 8), 6, 1)
    reducer = FramePooling(3, segments=2)
    assert [block for block in range(6) if reducer.before_block(block, tokens) is not tokens] == [3]


def test_segments_of_one_frame_change_nothing() -> None:
    tokens = Tokens(torch.randn(6, 5, 8), 6, 1)
    assert torch.equal(FramePooling(0, segments=6).before_block(0, tokens).values, tokens.values)


def test_the_schedule_has_the_tokens_of_one_frame_in_each_segment() -> None:
    schedule = FramePooling(1, segments=4).schedule(TowerShape(3, 49, 1), frames=12)
    assert schedule == (
        LayerTokens(12, 50, 50, 50),
        LayerTokens(4, 150, 50, 50),
        LayerTokens(4, 50, 50, 50),
    )
