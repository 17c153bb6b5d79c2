"""A heat map as a PNG: the picture that the model saw, and on it the patches that it kept."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LEAST_SIDE = 448
"""Pixels: smaller pictures are enlarged by a whole number."""

DIMMED = 0.3
"""Of the light of what the model dropped."""

COVER = 0.55
"""How much of a kept patch is colour; the rest is the picture, in grey."""

STOPS = (0.0, 0.35, 0.65, 1.0)
COLOURS = ((38, 60, 160), (40, 170, 180), (245, 205, 70), (215, 40, 35))
"""Blue, green, yellow, red: from the patch of the clip that fits least to the one that fits best."""


@dataclass(frozen=True)
class Cells:
    """The patches kept of one frame: K of them, of ``side`` rows and columns."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    heat: NDArray[np.float32]
    """(K,), 0 to 1."""
    side: int


def draw_heatmap(picture: NDArray[np.uint8], cells: Cells) -> bytes:
    """Return a PNG of a picture (H, H, 3): kept patches in the colour of their heat, the others dark."""
    factor = -(-LEAST_SIDE // len(picture))
    pixels = len(picture) * factor
    large = Image.fromarray(picture).resize((pixels, pixels), Image.Resampling.BICUBIC)
    drawn = np.asarray(large, np.float32) * DIMMED
    grey = np.asarray(large.convert("L"), np.float32)[:, :, None]
    edges = np.arange(cells.side + 1) * pixels // cells.side
    for row, column, colour in zip(cells.rows, cells.columns, colours_of(cells.heat), strict=True):
        # A line of one dark pixel parts a cell from the next.
        place = slice(edges[row] + 1, edges[row + 1]), slice(edges[column] + 1, edges[column + 1])
        drawn[place] = COVER * colour + (1 - COVER) * grey[place]
    file = io.BytesIO()
    Image.fromarray(drawn.round().astype(np.uint8)).save(file, format="PNG")
    return file.getvalue()


def colours_of(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the colours (K, 3), 0 to 255, of heat (K,) from 0 to 1."""
    channels = [np.interp(heat, STOPS, channel) for channel in zip(*COLOURS, strict=True)]
    return np.stack(channels, axis=1).astype(np.float32)
