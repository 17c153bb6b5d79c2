"""Frames become normalised pictures, or are refused."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.preprocessing import Preprocessing

HOST = torch.device("cpu")
PREPROCESSING = Preprocessing(4, (0.5, 0.25, 0.0), (0.5, 0.25, 1.0), "shortest")


def test_each_pixel_lands_at_its_place_normalised_by_its_channel() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 4, 3), dtype=np.uint8)
    pictures = PREPROCESSING.to_tensor(frames, HOST, torch.float32)
    assert pictures.shape == (6, 3, 4, 4)
    for channel, (mean, std) in enumerate(zip(PREPROCESSING.mean, PREPROCESSING.std, strict=True)):
        expected = (frames[1, 2, 3, 0, channel] / 255 - mean) / std
        assert pictures[5, channel, 3, 0].item() == pytest.approx(expected, abs=1e-6)


def test_pictures_have_the_number_type_asked_for() -> None:
    frames = np.zeros((1, 1, 4, 4, 3), dtype=np.uint8)
    assert PREPROCESSING.to_tensor(frames, HOST, torch.bfloat16).dtype == torch.bfloat16


def test_frames_that_may_not_be_written_are_read_and_left_as_they_were() -> None:
    frames = np.full((1, 2, 4, 4, 3), 255, dtype=np.uint8)
    frames.flags.writeable = False
    PREPROCESSING.to_tensor(frames, HOST, torch.float32)
    assert (frames == 255).all()


@pytest.mark.parametrize("shape", [(2, 4, 4, 3), (1, 2, 4, 5, 3), (1, 2, 3, 4, 4), (1, 2, 8, 8, 3)])
def test_frames_of_another_shape_are_refused_with_both_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"wanted is \(B, T, 4, 4, 3\)") as refusal:
        PREPROCESSING.to_tensor(np.zeros(shape, dtype=np.uint8), HOST, torch.float32)
    assert str(shape) in str(refusal.value)


def test_pixels_that_are_no_bytes_are_refused() -> None:
    frames: NDArray[Any] = np.zeros((1, 2, 4, 4, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="float32: wanted is uint8"):
        PREPROCESSING.to_tensor(frames, HOST, torch.float32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": 0}, "image_size is 0"),
        ({"std": (0.5, 0.0, 0.5)}, r"std is \(0.5, 0.0, 0.5\)"),
        ({"resize_mode": "longest"}, "'longest'.*'shortest' and 'squash'"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    settings: dict[str, Any] = {
        "image_size": 4,
        "mean": (0.5,) * 3,
        "std": (0.5,) * 3,
        "resize_mode": "squash",
    }
    with pytest.raises(ValueError, match=message):
        Preprocessing(**(settings | changes))
