"""Fewer frames: which ones are encoded, which stand in for others, and what it takes to be a duplicate."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from model.token_reduction.base import TowerShape, Unreduced
from model.token_reduction.frame_choice import FewerFrames, SkipDuplicates
from tests.stand_in_tower import StandInTower

B32 = TowerShape(layers=12, patches=49, class_tokens=1)


def flat_pictures(*levels: float, side: int = 8) -> Tensor:
    """Return pictures (len(levels), 3, side, side), each of one grey."""
    return torch.tensor(levels, dtype=torch.float32).reshape(-1, 1, 1, 1).expand(-1, 3, side, side).clone()


@pytest.mark.parametrize(
    ("kept", "frames", "expected"),
    [
        (6, 12, [1, 3, 5, 7, 9, 11]),
        (4, 12, [1, 4, 7, 10]),
        (5, 12, [1, 3, 6, 8, 10]),
        (1, 12, [6]),
        (3, 3, [0, 1, 2]),
        (1, 1, [0]),
    ],
)
def test_the_middle_of_each_equal_part_is_encoded(kept: int, frames: int, expected: list[int]) -> None:
    choice = FewerFrames(kept).choose_frames(torch.zeros(frames, 3, 2, 2), frames)
    assert choice.encoded.tolist() == expected
    assert choice.frames == kept
    assert choice.sources is None


def test_each_video_gives_the_same_frames() -> None:
    choice = FewerFrames(2).choose_frames(torch.zeros(3 * 8, 3, 2, 2), frames=8)
    assert choice.encoded.tolist() == [2, 6, 10, 14, 18, 22]


@given(st.data())
def test_chosen_frames_ascend_lie_in_the_clip_and_differ_in_distance_by_one_at_most(
    data: st.DataObject,
) -> None:
    frames = data.draw(st.integers(1, 200))
    kept = data.draw(st.integers(1, frames))
    encoded = FewerFrames(kept).choose_frames(torch.zeros(frames, 3, 1, 1), frames).encoded
    steps = set(encoded.diff().tolist())
    assert len(encoded) == kept
    assert 0 <= int(encoded[0]) <= int(encoded[-1]) < frames
    assert all(step >= 1 for step in steps)
    assert not steps or max(steps) - min(steps) <= 1


def test_the_schedule_is_that_of_the_frames_encoded() -> None:
    schedule = FewerFrames(5).schedule(B32, frames=12)
    assert [tuple(counts) for counts in schedule] == [(5, 50, 50, 50)] * 12


@pytest.mark.parametrize("kept", [0, 13])
def test_more_frames_than_there_are_or_none_are_refused(kept: int) -> None:
    with pytest.raises(ValueError, match=rf"frames:{kept} wants {kept} of 12 frames: ask for 1 to 12"):
        FewerFrames(kept).schedule(B32, frames=12)


def test_a_frame_like_the_one_encoded_last_takes_its_vector() -> None:
    pictures = flat_pictures(0, 0, 1, 1, 1, 0)
    choice = SkipDuplicates(0.02).choose_frames(pictures, frames=6)
    assert choice.encoded.tolist() == [0, 2, 5]
    assert choice.sources is not None
    assert choice.sources.tolist() == [0, 0, 1, 1, 1, 2]
    assert choice.frames == 6
    assert torch.equal(pictures[choice.encoded][choice.sources], pictures)


def test_slow_change_adds_up_against_the_frame_encoded_last() -> None:
    pictures = flat_pictures(0, 0.015, 0.030, 0.045, 0.060)
    assert SkipDuplicates(0.02).choose_frames(pictures, frames=5).encoded.tolist() == [0, 2, 4]


def test_the_first_frame_of_each_video_is_encoded_even_if_the_video_before_ends_alike() -> None:
    choice = SkipDuplicates().choose_frames(flat_pictures(*[0.5] * 9), frames=3)
    assert choice.encoded.tolist() == [0, 3, 6]
    assert choice.sources is not None
    assert choice.sources.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_each_video_is_compared_with_its_own_frames() -> None:
    choice = SkipDuplicates().choose_frames(flat_pictures(0, 0, 1, 5, 6, 6), frames=3)
    assert choice.encoded.tolist() == [0, 2, 3, 4]


def test_a_threshold_of_zero_skips_identical_frames_only() -> None:
    assert SkipDuplicates(0).choose_frames(flat_pictures(0, 0, 1e-4), frames=3).encoded.tolist() == [0, 2]


def test_no_frame_is_skipped_where_all_differ() -> None:
    choice = SkipDuplicates().choose_frames(torch.randn(12, 3, 16, 16), frames=6)
    assert choice.encoded.tolist() == list(range(12))
    assert choice.sources is not None
    assert choice.sources.tolist() == list(range(12))


def test_the_difference_is_the_mean_over_pixels_and_colours() -> None:
    pictures = torch.zeros(2, 3, 8, 8)
    pictures[1, 0, :4] = 0.6  # one colour of three, half of the picture: 0.1 in the mean
    assert SkipDuplicates(0.101).choose_frames(pictures, frames=2).encoded.tolist() == [0]
    assert SkipDuplicates(0.099).choose_frames(pictures, frames=2).encoded.tolist() == [0, 1]


def test_noise_of_single_pixels_averages_out_in_large_pictures() -> None:
    noisy = 0.02 * torch.randn(4, 3, 224, 224)
    assert SkipDuplicates(0.01).choose_frames(noisy, frames=4).encoded.tolist() == [0]
    assert SkipDuplicates(0.01).choose_frames(noisy[..., :32, :32], frames=4).encoded.tolist() == [0, 1, 2, 3]


def test_half_precision_pictures_are_compared_in_single_precision() -> None:
    pictures = torch.full((3, 3, 64, 64), 2, dtype=torch.bfloat16)
    pictures[2, ..., ::2] = 2.015625  # the next number there is, in every second column: 0.0078 in the mean
    assert SkipDuplicates(0.005).choose_frames(pictures, frames=3).encoded.tolist() == [0, 2]
    assert SkipDuplicates(0.010).choose_frames(pictures, frames=3).encoded.tolist() == [0]


def test_pictures_that_are_no_numbers_are_encoded() -> None:
    assert SkipDuplicates().choose_frames(flat_pictures(0, torch.nan, 0), frames=3).encoded.tolist() == [
        0,
        1,
        2,
    ]


def test_skipping_identical_frames_changes_no_vector() -> None:
    shape = TowerShape(layers=3, patches=16, class_tokens=1)
    moments = torch.randn(2, 4, 3, 8, 8)
    pictures = moments.repeat_interleave(torch.tensor([1, 3, 2, 2]), dim=1).flatten(0, 1)
    tower = StandInTower(shape)
    skipped, whole = (tower.run(reducer, pictures, frames=8) for reducer in (SkipDuplicates(0), Unreduced()))
    assert skipped.tokens.values.shape[0] == 2 * 4
    assert_close(skipped.vectors, whole.vectors, rtol=0, atol=1e-6)


def test_fewer_frames_have_the_vectors_they_have_among_all_frames() -> None:
    tower = StandInTower(TowerShape(layers=3, patches=16, class_tokens=1))
    pictures = torch.randn(2 * 6, 3, 8, 8)
    fewer, whole = (tower.run(reducer, pictures, frames=6) for reducer in (FewerFrames(3), Unreduced()))
    assert_close(fewer.vectors, whole.vectors[1::2], rtol=0, atol=1e-6)


def test_the_schedule_of_skipping_is_the_most_there_can_be() -> None:
    assert [tuple(counts) for counts in SkipDuplicates().schedule(B32, frames=12)] == [(12, 50, 50, 50)] * 12


@pytest.mark.parametrize("threshold", [-0.01, float("nan"), float("inf")])
def test_a_threshold_that_is_no_difference_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match=rf"cannot differ by {threshold}: ask for a number from 0"):
        SkipDuplicates(threshold)
