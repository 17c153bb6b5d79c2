"""Sparse sampling: one token of each bin, the middle one, or while training any."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from model.token_reduction.base import Tokens
from model.token_reduction.segments import Stage
from model.token_reduction.sparse_sampling import SparseSampling


def numbered(frames: int, patches: int) -> Tokens:
    """Return tokens (1 class token a frame) of one channel, the patches' being their number in the video."""
    patch_values = torch.arange(float(frames * patches)).reshape(frames, patches, 1)
    return Tokens(torch.cat([-torch.ones(frames, 1, 1), patch_values], dim=1), frames, 1)


def kept(tokens: Tokens, stage: Stage, *, is_random: bool = False) -> Tensor:
    """Return the numbers of the patches kept (S, K)."""
    reduced = SparseSampling(stage, is_random).before_block(stage.block, tokens)
    return reduced.values[:, 1:, 0].long()


@pytest.mark.parametrize(
    ("patches", "tokens", "expected"),
    [(4, 4, [1, 4, 7, 10]), (4, 5, [1, 3, 5, 8, 10]), (4, 12, list(range(12))), (4, 1, [6])],
)
def test_the_middle_of_each_bin_is_kept(patches: int, tokens: int, expected: list[int]) -> None:
    assert kept(numbered(3, patches), Stage(2, 1, tokens)).tolist() == [expected]


def test_each_segment_keeps_tokens_of_its_own_frames() -> None:
    assert kept(numbered(4, 3), Stage(2, 2, 2)).tolist() == [[1, 4], [7, 10]]


def test_class_tokens_are_averaged() -> None:
    values = torch.randn(6, 5, 8)
    reduced = SparseSampling(Stage(2, 2, 4)).before_block(2, Tokens(values, 6, 1))
    assert_close(reduced.values[:, 0], torch.stack([values[:3, 0].mean(0), values[3:, 0].mean(0)]))


@given(st.data(), st.booleans())
def test_any_number_of_tokens_is_one_of_each_bin(data: st.DataObject, is_random: bool) -> None:
    patches = data.draw(st.integers(1, 40))
    tokens = data.draw(st.integers(1, 3 * patches))
    places = kept(numbered(3, patches), Stage(0, 1, tokens), is_random=is_random)[0]
    bins = torch.arange(tokens + 1) * 3 * patches // tokens
    assert len(places) == tokens
    assert ((bins[:-1] <= places) & (places < bins[1:])).all()


def test_training_draws_anew_in_each_segment_and_call_and_any_token_of_a_bin() -> None:
    tokens = numbered(300, 4)
    stage = Stage(2, 100, 4)
    first, second = (kept(tokens, stage, is_random=True) for _ in range(2))
    assert not torch.equal(first, second)
    in_bin = first % 3  # bins of 3
    assert in_bin.unique().tolist() == [0, 1, 2]
    assert not torch.equal(in_bin[0], in_bin[1]) or not torch.equal(in_bin[1], in_bin[2])


def test_it_samples_before_its_block_only() -> None:
    tokens = numbered(6, 4)
    reducer = SparseSampling(Stage(3, 2, 4))
    assert [block for block in range(6) if reducer.before_block(block, tokens) is not tokens] == [3]
