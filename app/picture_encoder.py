"""Images to unit vectors, the latest of them remembered."""

import hashlib
import threading
from collections import OrderedDict
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.still_picture import read_picture
from model.preprocessing import Preprocessing

CACHED_PICTURES = 256
"""Vectors only, so that the next pages of a search decode and encode nothing."""


class ImageEncoder(Protocol):
    """The half of the model that looks at pictures."""

    preprocessing: Preprocessing

    def encode_images(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit vectors (B, D) of RGB pictures (B, H, W, 3)."""
        ...


class PictureEncoder:
    """A cache in front of an image encoder, by the sha256 of the file; safe to use from many threads.

    One picture is decoded and encoded at a time: each takes memory, and all the machine's cores.
    """

    def __init__(self, image_encoder: ImageEncoder, cached: int = CACHED_PICTURES) -> None:
        self._image_encoder, self._cached = image_encoder, cached
        self._known: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()
        self._working = threading.Lock()

    def encode(self, content: bytes) -> NDArray[np.float32]:
        """Return the unit vector (D,) of an image file; raises InvalidImage and ImageTooLarge."""
        key = hashlib.sha256(content).digest()
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        with self._working:
            picture = read_picture(content, self._image_encoder.preprocessing)
            vector: NDArray[np.float32] = self._image_encoder.encode_images(picture[None])[0]
        with self._lock:
            self._known[key] = vector
            while len(self._known) > self._cached:
                self._known.popitem(last=False)
        return vector
