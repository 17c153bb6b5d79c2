"""Which candidates are shown as frames, and what photographs and drawn videos give."""

from contextlib import closing
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from model.datasets import frames as frames_module
from model.datasets.base import CaptionedItem, Media, Photograph, Refusal
from model.datasets.frames import CandidateFrames, choose_frames, read_candidates
from model.preprocessing import Preprocessing

CROPPED = Preprocessing(8, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "shortest")
SQUASHED = Preprocessing(8, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "squash")


@dataclass(frozen=True)
class DrawnVideo:
    shades: tuple[int, ...]

    def render(self, size: int) -> NDArray[np.uint8]:
        if not self.shades:
            raise OSError("there is nothing to draw")
        return np.stack([np.full((size, size, 3), shade, np.uint8) for shade in self.shades])


def item(media: Media, name: str = "a") -> CaptionedItem:
    return CaptionedItem(name, ("a caption",), media)


def photograph(mode: str = "RGB") -> Photograph:
    """Return a wide picture, red with a blue end on either side."""
    picture = Image.new("RGB", (48, 16), (0, 0, 255))
    picture.paste((255, 0, 0), (16, 0, 32, 16))
    buffer = BytesIO()
    picture.convert(mode).save(buffer, format="PNG")
    return Photograph(buffer.getvalue())


@pytest.mark.parametrize(
    ("candidates", "frames", "middles"),
    [
        (30, 12, [1, 3, 6, 8, 11, 13, 16, 18, 21, 23, 26, 28]),
        (12, 12, list(range(12))),
        (25, 3, [4, 12, 20]),
        (1, 4, [0, 0, 0, 0]),
        (3, 12, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]),
        (5, 7, [0, 1, 1, 2, 3, 3, 4]),
    ],
)
def test_the_middles_are_shown_for_testing(candidates: int, frames: int, middles: list[int]) -> None:
    assert choose_frames(candidates, frames).tolist() == middles


def test_training_draws_one_of_each_chunk_and_never_the_last_remainder() -> None:
    generator = np.random.default_rng(0)
    drawn = np.stack([choose_frames(31, 4, generator) for _ in range(500)])
    # q = 31 // 4 = 7: candidates 28, 29 and 30 are in no chunk.
    for chunk, column in enumerate(drawn.T):
        assert set(column) == set(range(7 * chunk, 7 * chunk + 7))


def test_training_with_too_few_candidates_repeats_them_evenly() -> None:
    assert choose_frames(2, 4, np.random.default_rng(0)).tolist() == [0, 0, 1, 1]


@settings(max_examples=40)
@given(st.integers(1, 400), st.integers(1, 80), st.booleans())
def test_frames_are_in_order_and_in_range(candidates: int, frames: int, draws: bool) -> None:
    chosen = choose_frames(candidates, frames, np.random.default_rng(0) if draws else None)
    assert chosen.shape == (frames,)
    assert (np.diff(chosen) >= 0).all()
    assert chosen[0] >= 0
    assert chosen[-1] < candidates
    if candidates <= frames:
        assert set(chosen.tolist()) == set(range(candidates))


@pytest.mark.parametrize(("candidates", "frames"), [(0, 1), (1, 0)])
def test_nothing_cannot_be_chosen(candidates: int, frames: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        choose_frames(candidates, frames)


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA"])
def test_a_photograph_is_one_frame_of_its_middle(mode: str) -> None:
    [found] = read_candidates([item(photograph(mode))], CROPPED)
    assert isinstance(found, CandidateFrames)
    assert found.frames.shape == (1, 8, 8, 3)
    assert (found.frames == (255, 0, 0)).all()


def test_a_photograph_is_squashed_where_the_encoder_wants_it() -> None:
    [found] = read_candidates([item(photograph())], SQUASHED)
    assert isinstance(found, CandidateFrames)
    assert found.frames[0, 0, 0].tolist() == [0, 0, 255]
    assert found.frames[0, 0, 4, 0] > 200


def test_items_without_files_need_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames_module, "COMMAND", ["false"])
    items = [
        item(DrawnVideo((10, 20, 30)), "drawn"),
        item(Photograph(b"no picture"), "broken"),
        item(photograph(), "whole"),
        item(DrawnVideo(()), "undrawable"),
    ]
    with closing(read_candidates(items, CROPPED)) as answers:
        drawn, broken, whole, undrawable = answers
    assert isinstance(drawn, CandidateFrames)
    assert (drawn.item, drawn.frames[:, 0, 0, 0].tolist()) == (items[0], [10, 20, 30])
    assert isinstance(whole, CandidateFrames)
    for refusal, name in ((broken, "broken"), (undrawable, "undrawable")):
        assert isinstance(refusal, Refusal)
        assert (refusal.name, refusal.code) == (name, "unreadable-photograph")
        assert name in refusal.reason
