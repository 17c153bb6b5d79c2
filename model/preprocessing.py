"""How frames become the encoder's input."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Preprocessing:
    """Square input size and colour normalisation of one encoder; ValueError for values that cannot be."""

    image_size: int
    """Pixels a side."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize_mode: Literal["shortest", "squash"]
    """Shortest side to ``image_size`` and centre crop, or squash to the square."""

    def __post_init__(self) -> None:
        if self.image_size < 1:
            raise ValueError(f"image_size is {self.image_size} pixels: the least is 1")
        if min(self.std) <= 0:
            raise ValueError(f"std is {self.std}: every channel needs a value above 0")
        if self.resize_mode not in ("shortest", "squash"):
            raise ValueError(f"resize_mode is {self.resize_mode!r}: known are 'shortest' and 'squash'")

    def to_tensor(self, frames: NDArray[np.uint8], device: torch.device, dtype: torch.dtype) -> Tensor:
        """Turn RGB frames (B, T, H, W, 3) of H = W = ``image_size`` into normalised pictures (B*T, 3, H, W).

        Raises ValueError for another shape or pixels that are not uint8.
        """
        size = self.image_size
        if frames.ndim != 5 or frames.shape[2:] != (size, size, 3):
            raise ValueError(f"frames have the shape {frames.shape}: wanted is (B, T, {size}, {size}, 3)")
        if frames.dtype != np.uint8:
            raise ValueError(f"frames have pixels of type {frames.dtype}: wanted is uint8, from 0 to 255")
        # Bytes travel to the device, not floats of four times the size.
        pixels = torch.from_numpy(np.require(frames, requirements=["C", "W"])).to(device)
        pictures = pixels.flatten(0, 1).permute(0, 3, 1, 2).to(torch.float32)  # (B*T, 3, H, W)
        mean = torch.tensor(self.mean, device=device).reshape(3, 1, 1)
        std = torch.tensor(self.std, device=device).reshape(3, 1, 1)
        return pictures.div_(255).sub_(mean).div_(std).to(dtype)
