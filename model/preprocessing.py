"""How frames become the encoder's input."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Preprocessing:
    """Square input size and colour normalisation of one encoder."""

    image_size: int
    """Pixels a side."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize_mode: Literal["shortest", "squash"]
    """Shortest side to ``image_size`` and centre crop, or squash to the square."""
