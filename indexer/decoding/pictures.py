"""Decoded frame in, small upright RGB picture out: what the model sees, and what people see of a clip.

Pixel aspect is applied by the scale; turning and mirroring come last, on the small picture.
"""

import io
from typing import Literal

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from indexer.decoding.orientation import UPRIGHT, Orientation
from indexer.decoding.rgb_scaler import Picture, RgbScaler

MAX_ASPECT = 4.0
"""A longer picture is squashed to this, or the scaled copy of a 10000x16 one would take gigabytes."""

JPEG_QUALITY = 82


class PictureScaler:
    """Makes pictures of one use from the frames of one stream."""

    def __init__(self) -> None:
        """Start without tables; the first frame makes them."""
        self._scaler = RgbScaler()

    def model_input(
        self,
        frame: VideoFrame,
        image_size: int,
        resize_mode: Literal["shortest", "squash"],
        *,
        aspect: float = 1.0,
        orientation: Orientation = UPRIGHT,
    ) -> Picture:
        """Return `frame` as (image_size, image_size, 3) RGB: centre crop, or squashed to the square.

        `aspect` is the pixel aspect ratio.
        """
        if resize_mode == "squash":
            return _upright(self._scaler.scaled(frame, image_size, image_size), orientation)
        shown_width = frame.width * aspect
        scale = image_size / min(shown_width, frame.height)
        longest = round(MAX_ASPECT * image_size)
        width = min(max(round(shown_width * scale), image_size), longest)
        height = min(max(round(frame.height * scale), image_size), longest)
        picture = self._scaler.scaled(frame, width, height)
        top, left = (height - image_size) // 2, (width - image_size) // 2
        return _upright(picture[top : top + image_size, left : left + image_size], orientation)

    def thumbnail(
        self, frame: VideoFrame, longest_px: int, *, aspect: float = 1.0, orientation: Orientation = UPRIGHT
    ) -> Picture:
        """Return the whole of `frame` upright, (h, w, 3) RGB, neither side over `longest_px` nor enlarged."""
        shown_width, shown_height = frame.width * aspect, float(frame.height)
        scale = min(1.0, longest_px / max(shown_width, shown_height))
        width, height = max(1, round(shown_width * scale)), max(1, round(shown_height * scale))
        return _upright(self._scaler.scaled(frame, width, height), orientation)


def to_jpeg(picture: Picture) -> bytes:
    """Return `picture` (h, w, 3) RGB as a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def _upright(picture: Picture, orientation: Orientation) -> Picture:
    return np.ascontiguousarray(orientation.upright(picture))
