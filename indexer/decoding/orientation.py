"""How a stored picture must be turned, and perhaps mirrored, to be shown as it was filmed.

A container says so with a display matrix, which PyAV reports and does not apply. FFmpeg's layout is nine
fixed-point numbers, a b u, c d v, x y w: a stored point (x, y) is shown at (ax + cy, bx + dy).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from numpy.typing import NDArray

TOLERANCE_DEGREES = 1.0
"""Matrices are rounded; one that turns by another angle than a quarter turn is damage or art."""

MATRIX_BYTES = 9 * 4


@dataclass(frozen=True)
class Orientation:
    """Quarter turns anticlockwise in degrees (0, 90, 180, 270), and then, if mirrored, left for right."""

    rotation: int = 0
    is_mirrored: bool = False

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height change places."""
        return self.rotation in (90, 270)

    def upright(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Return a stored picture (H, W, …) as it is to be shown; a view, not always contiguous."""
        turned = np.rot90(picture, self.rotation // 90)
        return turned[:, ::-1] if self.is_mirrored else turned


UPRIGHT = Orientation()


def orientation_of(frame: VideoFrame) -> Orientation:
    """Return what makes ``frame`` upright; a damaged matrix, or one of another angle, counts as none."""
    told = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(told, SideData) or told.buffer_size != MATRIX_BYTES:
        return UPRIGHT
    a, b, c, d = np.frombuffer(bytes(told), np.int32)[[0, 1, 3, 4]].astype(float)
    is_mirrored = bool(a * d - b * c < 0)
    if is_mirrored:
        a, c = -a, -c
    degrees = math.degrees(math.atan2(c - b, a + d))
    quarter = 90 * round(degrees / 90)
    if a == b == c == d == 0 or abs(degrees - quarter) > TOLERANCE_DEGREES:
        return UPRIGHT
    return Orientation(quarter % 360, is_mirrored)
