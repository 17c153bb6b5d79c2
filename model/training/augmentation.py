"""RandAugment (arXiv 1909.13719) with a wandering magnitude, alike for all frames of a video."""

import numpy as np
from numpy.typing import NDArray


def augment(frames: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return RGB frames (F, H, W, 3) altered alike, by operations drawn from ``generator``."""
    raise NotImplementedError
