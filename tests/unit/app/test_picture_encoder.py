"""Images to vectors, the latest remembered."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.errors import InvalidImage
from app.picture_encoder import PictureEncoder
from tests.fakes import IMAGE_SIZE, FakeVideoEncoder


class CountingEncoder(FakeVideoEncoder):
    def __init__(self) -> None:
        self.count = 0

    def encode_images(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.count += 1
        return super().encode_images(pictures)


def picture(colour: str) -> bytes:
    """Return a file of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (50, 40), colour).save(file, "PNG")
    return file.getvalue()


def test_a_picture_has_the_vector_of_a_clip_that_stands_still() -> None:
    still = np.full((1, FakeVideoEncoder.frames_per_clip, IMAGE_SIZE, IMAGE_SIZE, 3), (255, 0, 0), np.uint8)
    vector = PictureEncoder(FakeVideoEncoder()).encode(picture("red"))
    np.testing.assert_allclose(vector, FakeVideoEncoder().encode(still).clips[0], atol=1e-6)


def test_the_same_file_is_encoded_once_and_the_oldest_forgotten() -> None:
    encoder = CountingEncoder()
    pictures = PictureEncoder(encoder, cached=2)
    for colour in ("red", "red", "blue", "red", "green", "red"):
        pictures.encode(picture(colour))
    assert encoder.count == 3
    pictures.encode(picture("blue"))
    assert encoder.count == 4


def test_a_file_that_is_no_image_is_refused_each_time() -> None:
    pictures = PictureEncoder(FakeVideoEncoder())
    for _ in range(2):
        with pytest.raises(InvalidImage):
            pictures.encode(b"no image")
