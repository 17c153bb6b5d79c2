"""Segments: what is joined, what counts follow, and what is refused."""

import pytest
import torch

from model.token_reduction.base import LayerTokens, Tokens, TowerShape
from model.token_reduction.segments import (
    Stage,
    default_segments,
    default_stage,
    join_frames,
    parse_stage,
    schedule_stages,
)

B32 = TowerShape(layers=12, patches=49, class_tokens=1)


@pytest.mark.parametrize(("frames", "segments"), [(12, 4), (60, 20), (8, 2), (1, 1), (2, 1), (7, 1), (10, 2)])
def test_by_default_a_segment_has_three_frames_or_the_next_that_divides(frames: int, segments: int) -> None:
    assert default_segments(frames) == segments


@pytest.mark.parametrize(("patches", "stage"), [(49, Stage(6, 4, 49)), (196, Stage(6, 4, 160))])
def test_the_default_stage_has_the_proportions_of_the_paper(patches: int, stage: Stage) -> None:
    assert default_stage(TowerShape(12, patches, 1), 12) == stage


def test_a_stage_is_read_as_it_is_written() -> None:
    assert parse_stage("B6-4,49") == Stage(block=6, segments=4, tokens=49)
    assert str(parse_stage(" b6-4,49 ")) == "B6-4,49"


@pytest.mark.parametrize("text", ["", "6-4,49", "B6-4", "B-4,49", "B6-4,49,3"])
def test_what_is_no_stage_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=rf"{text!r} is no stage.* like B6-4,49"):
        parse_stage(text)


def test_frames_are_joined_in_order_of_time_and_raster() -> None:
    values = torch.arange(2 * 6 * 5, dtype=torch.float32).reshape(12, 5, 1)
    origins = torch.arange(4).repeat(12, 1)
    segments = join_frames(Tokens(values, 6, class_tokens=1, origins=origins), 2)
    assert segments.count == 2
    assert segments.patches[1].flatten().tolist() == [16, 17, 18, 19, 21, 22, 23, 24, 26, 27, 28, 29]
    assert segments.class_tokens.flatten().tolist() == [5, 20, 35, 50]
    assert segments.origins is not None
    assert segments.origins[3].tolist() == [0, 1, 2, 3] * 3


def test_only_the_places_asked_for_are_kept() -> None:
    tokens = Tokens(torch.randn(8, 5, 3), 4, class_tokens=1, origins=torch.arange(4).repeat(8, 1))
    segments = join_frames(tokens, 2)
    kept = segments.keep(torch.tensor([[0, 5], [1, 7], [2, 3], [0, 4]]))
    assert (kept.values.shape, kept.sequences, kept.class_tokens) == ((4, 3, 3), 2, 1)
    assert torch.equal(kept.values[1, 1:], torch.stack([tokens.values[2, 2], tokens.values[3, 4]]))
    assert kept.origins is not None
    assert kept.origins.tolist() == [[0, 1], [1, 3], [2, 3], [0, 0]]


def test_towers_without_class_tokens_get_none() -> None:
    segments = join_frames(Tokens(torch.randn(4, 5, 3), 4, class_tokens=0), 2)
    assert segments.keep(torch.tensor([[0, 9], [1, 2]])).values.shape == (2, 2, 3)


def test_sequences_that_cannot_be_divided_are_refused() -> None:
    with pytest.raises(ValueError, match="12 sequences cannot be divided into 5"):
        join_frames(Tokens(torch.randn(12, 5, 3), 12, class_tokens=1), 5)


def test_the_schedule_counts_the_joined_tokens_before_they_are_reduced() -> None:
    before, after = LayerTokens(12, 50, 50, 50), LayerTokens(4, 50, 50, 50)
    schedule = schedule_stages("x", (Stage(6, 4, 49),), B32, 12)
    assert schedule == (before,) * 6 + (LayerTokens(4, 150, 50, 50),) + (after,) * 5


def test_a_later_stage_starts_from_what_the_earlier_left() -> None:
    schedule = schedule_stages("x", (Stage(0, 6, 40), Stage(2, 3, 60)), TowerShape(4, 49, 0), 12)
    assert schedule == (
        LayerTokens(6, 98, 40, 40),
        LayerTokens(6, 40, 40, 40),
        LayerTokens(3, 80, 60, 60),
        LayerTokens(3, 60, 60, 60),
    )


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((Stage(6, 5, 49),), r"cannot split 12 frames into 5 equal segments.*nearest.* are 4 and 6"),
        ((Stage(6, 16, 49),), r"wants 16 segments of 12 frames: ask for 1 to 12"),
        ((Stage(6, 0, 49),), r"wants 0 segments of 12 frames: ask for 1 to 12"),
        ((Stage(6, 4, 148),), r"wants 148 tokens.*only 147 \(3 frames of 49\): ask for 1 to 147"),
        ((Stage(6, 4, 0),), r"wants 0 tokens.*ask for 1 to 147"),
        ((Stage(12, 4, 49),), r"after block 12, but the tower has 12 blocks.*from 0 to 11"),
        ((Stage(4, 6, 49), Stage(8, 4, 49)), r"split 6 segments into 4 equal.*nearest.* are 3 and 6"),
        ((Stage(4, 6, 40), Stage(8, 3, 81)), r"only 80 \(2 segments of 40\): ask for 1 to 80"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_nearest_that_does(
    stages: tuple[Stage, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=f"method.*{message}"):
        schedule_stages("method", stages, B32, 12)
