"""CenterCLIP: how segments are formed, what is kept of them, and where gradients go."""

import pytest
import torch
from torch import Tensor

from model.token_reduction.base import TokenCount
from model.token_reduction.centerclip import CenterClip
from model.token_reduction.kmedoids import kmedoids


def numbered_tokens(videos: int, frames: int, patches: int, channels: int = 8) -> Tensor:
    """Return random tokens (B*T, 1+N, C) whose first channel is their running number."""
    tokens = torch.randn(videos * frames, 1 + patches, channels)
    tokens[:, :, 0] = torch.arange(tokens.shape[0] * tokens.shape[1]).reshape(-1, 1 + patches)
    return tokens


def test_a_video_becomes_segments_of_one_class_token_and_k_others() -> None:
    reduced, segments = CenterClip(1, segments=4, tokens=9).reduce(numbered_tokens(2, 12, 16), frames=12)
    assert reduced.shape == (2 * 4, 1 + 9, 8)
    assert segments == 4


def test_the_class_token_is_the_mean_over_the_frames_of_its_segment() -> None:
    tokens = numbered_tokens(2, 6, 5)
    reduced, _ = CenterClip(1, segments=2, tokens=5).reduce(tokens, frames=6)
    expected = torch.stack([tokens[start : start + 3, 0].mean(0) for start in (0, 3, 6, 9)])
    torch.testing.assert_close(reduced[:, 0], expected)


def test_kept_tokens_are_the_medoids_of_the_segment_unchanged_and_in_order_of_time_and_raster() -> None:
    tokens = numbered_tokens(1, 6, 10)
    reduced, _ = CenterClip(1, segments=2, tokens=7).reduce(tokens, frames=6)
    for segment in range(2):
        candidates = torch.cat([tokens[3 * segment + frame, 1:] for frame in range(3)])  # (30, C)
        kept = reduced[segment, 1:]
        assert torch.equal(kept, candidates[kmedoids(candidates.unsqueeze(0), 7)[0]])
        assert (kept[:, 0].diff() > 0).all()


def test_class_tokens_take_no_part_in_clustering() -> None:
    tokens = torch.randn(6, 11, 8)
    elsewhere = tokens.clone()
    elsewhere[:, 0] = 1000
    reducer = CenterClip(1, segments=2, tokens=7)
    assert torch.equal(reducer.reduce(tokens, 6)[0][:, 1:], reducer.reduce(elsewhere, 6)[0][:, 1:])


def test_segments_of_one_frame_that_keep_every_token_change_nothing() -> None:
    tokens = torch.randn(8, 17, 4)
    reduced, segments = CenterClip(1, segments=4, tokens=16).reduce(tokens, frames=4)
    assert torch.equal(reduced, tokens)
    assert segments == 4


def test_a_video_is_reduced_alike_alone_and_in_a_batch() -> None:
    tokens = torch.randn(3 * 12, 50, 32)
    reducer = CenterClip(1, segments=4, tokens=49)
    together, _ = reducer.reduce(tokens, 12)
    alone = [reducer.reduce(tokens[12 * video : 12 * (video + 1)], 12)[0] for video in range(3)]
    assert torch.equal(together, torch.cat(alone))


def test_tokens_of_other_videos_do_not_matter() -> None:
    tokens = torch.randn(2 * 6, 10, 8)
    changed = tokens.clone()
    changed[6:] += 5 * torch.randn(6, 10, 8)
    reducer = CenterClip(1, segments=2, tokens=9)
    assert torch.equal(reducer.reduce(tokens, 6)[0][:2], reducer.reduce(changed, 6)[0][:2])


def test_gradients_reach_kept_tokens_and_class_tokens_and_no_other() -> None:
    tokens = numbered_tokens(1, 6, 10).requires_grad_()
    reduced, _ = CenterClip(1, segments=2, tokens=4).reduce(tokens, frames=6)
    reduced.sum().backward()
    assert tokens.grad is not None
    expected = torch.zeros(6, 11)
    expected[:, 0] = 1 / 3  # each class token is a third of its segment's
    kept = reduced[:, 1:, 0].long().flatten()  # running numbers
    expected.view(-1)[kept] = 1
    torch.testing.assert_close(tokens.grad, expected.unsqueeze(2).expand(6, 11, 8))


def test_it_reduces_after_its_block_only() -> None:
    reducer = CenterClip(3, segments=4, tokens=49)
    assert [block for block in range(12) if reducer.reduces_after(block)] == [3]


def test_the_schedule_says_what_enters_each_block() -> None:
    schedule = CenterClip(2, segments=4, tokens=40).schedule(layers=5, frames=12, patches=49)
    assert schedule == (TokenCount(12, 50),) * 2 + (TokenCount(4, 41),) * 3


@pytest.mark.parametrize(
    ("reducer", "message"),
    [
        (CenterClip(6, 5, 49), r"cannot split 12 frames into 5 equal segments.*nearest.* are 4 and 6"),
        (CenterClip(6, 16, 49), r"wants 16 segments of 12 frames: ask for at most 12"),
        (CenterClip(6, 4, 148), r"wants 148 tokens.*only 147 \(3 frames of 49\): ask for at most 147"),
    ],
)
def test_counts_that_do_not_fit_are_refused_with_the_nearest_that_do(
    reducer: CenterClip, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        reducer.reduce(torch.randn(12, 50, 4), frames=12)
    with pytest.raises(ValueError, match=message):
        reducer.schedule(layers=12, frames=12, patches=49)


def test_a_block_with_none_behind_it_is_refused() -> None:
    with pytest.raises(ValueError, match=r"after block 12, but the tower has 12 blocks.*from 0 to 11"):
        CenterClip(12, 4, 49).schedule(layers=12, frames=12, patches=49)


def test_sequences_that_are_no_whole_videos_are_refused() -> None:
    with pytest.raises(ValueError, match="13 sequences are no whole number of videos of 12 frames"):
        CenterClip(6, 4, 49).reduce(torch.randn(13, 50, 4), frames=12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 4, 49), "no block -1"),
        ((6, 0, 49), "0 segments"),
        ((6, 4, 0), "0 tokens"),
        ((6, 4, 49, 0), "0 iterations"),
    ],
)
def test_counts_below_the_least_are_refused(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CenterClip(*arguments)
