"""Image files from outside."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.errors import ImageTooLarge, InvalidImage
from app.still_picture import MAX_IMAGE_BYTES, read_picture
from model.preprocessing import Preprocessing
from tests.claiming_picture import png_that_claims

SIDE = 32
SHORTEST = Preprocessing(SIDE, (0.5,) * 3, (0.5,) * 3, "shortest")
SQUASH = Preprocessing(SIDE, (0.5,) * 3, (0.5,) * 3, "squash")

RED, WHITE = (255, 0, 0), (255, 255, 255)


def encoded(image: Image.Image, format_name: str = "PNG", **options: Any) -> bytes:
    """Return the file of an image."""
    file = io.BytesIO()
    image.save(file, format=format_name, **options)
    return file.getvalue()


def halves(width: int = 96, height: int = 48) -> Image.Image:
    """Return a picture whose left half is red and whose right half is white."""
    image = Image.new("RGB", (width, height), "white")
    image.paste(RED, (0, 0, width // 2, height))
    return image


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_every_common_format_is_read(format_name: str) -> None:
    picture = read_picture(encoded(halves(), format_name), SHORTEST)
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.dtype == np.uint8
    np.testing.assert_allclose(picture[SIDE // 2, [2, -3]], [RED, WHITE], atol=12)


def test_the_middle_is_cut_out_or_the_whole_squashed_as_the_model_wants() -> None:
    image = Image.new("RGB", (96, 32), "white")
    image.paste(RED, (0, 0, 32, 32))
    content = encoded(image)
    assert (read_picture(content, SHORTEST)[:, 4:] > 200).all()  # the red third is cut off
    assert tuple(read_picture(content, SQUASH)[16, 4]) == RED


def test_a_photograph_that_lies_on_its_side_is_set_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise
    picture = read_picture(encoded(halves(64, 64), "JPEG", exif=exif), SHORTEST)
    np.testing.assert_allclose(picture[[3, -4], 16], [RED, WHITE], atol=12)


def test_what_shows_through_shows_white() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    assert (read_picture(encoded(image), SHORTEST) == 255).all()
    palette = Image.new("P", (40, 40), 0)
    assert (read_picture(encoded(palette, "GIF", transparency=0), SHORTEST) == 255).all()


def test_a_film_is_its_first_frame() -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "white")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    np.testing.assert_allclose(read_picture(content, SHORTEST)[5, 5], RED, atol=3)


def test_grey_of_sixteen_bits_keeps_its_shades() -> None:
    deep = Image.fromarray(np.full((40, 40), 32_768, np.uint16))
    np.testing.assert_allclose(read_picture(encoded(deep), SHORTEST), 127, atol=2)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "CMYK", "YCbCr"])
def test_every_kind_of_colour_becomes_rgb(mode: str) -> None:
    format_name = "JPEG" if mode in {"CMYK", "YCbCr"} else "PNG"
    assert read_picture(encoded(halves().convert(mode), format_name), SHORTEST).shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no image",
        b"%PDF-1.7 ",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        encoded(halves(), "TIFF"),  # not of the formats that are tried
        encoded(halves(), "PNG")[:-30],
        encoded(halves(), "JPEG")[:200],
        encoded(halves(), "BMP")[:500],
        encoded(halves(), "WEBP")[:60],
        png_that_claims(0, 5),
        png_that_claims(300, 300),  # with fewer pixels than it claims
    ],
)
def test_what_is_no_whole_image_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidImage, match="send a JPEG") as caught:
        read_picture(content, SHORTEST)
    assert caught.value.parameter == "image"


@pytest.mark.parametrize("size", [(8001, 8000), (12_000, 12_000), (60_000, 60_000)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(ImageTooLarge, match="pixels"):
        read_picture(png_that_claims(*size), SHORTEST)


def test_a_file_of_too_many_bytes_is_refused_unread() -> None:
    with pytest.raises(ImageTooLarge, match="20,971,521 bytes"):
        read_picture(b"\0" * (MAX_IMAGE_BYTES + 1), SHORTEST)
