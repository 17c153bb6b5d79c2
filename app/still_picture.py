"""An image file from outside in, the square of pixels that the model looks at out.

Everything about the file is hostile until shown otherwise: only five formats are tried, and its bytes and
pixels are counted before any of them is decoded.
"""

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from app.errors import ImageTooLarge, InvalidImage

if TYPE_CHECKING:
    from model.preprocessing import Preprocessing  # imports torch

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")

MAX_IMAGE_BYTES = 20 * 1024 * 1024

MAX_PIXELS = 64_000_000
"""More than a telephone's photograph has, and 256 MB when it is decoded with transparency."""

_WAY_OUT = "send a JPEG, PNG, WebP, GIF or BMP file"


def read_picture(content: bytes, preprocessing: "Preprocessing") -> NDArray[np.uint8]:
    """Return the image upright, on white, cut or squashed to (image_size, image_size, 3) RGB.

    Of a film, the first frame. Raises ImageTooLarge and InvalidImage.
    """
    if not content:
        raise InvalidImage("image", f"the image is empty: {_WAY_OUT}")
    if len(content) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(
            "image", f"the image has {len(content):,} bytes: send at most {MAX_IMAGE_BYTES:,}"
        )
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _too_many_pixels(f"{image.width} × {image.height}")
            return _pixels(image, preprocessing)
    except ImageTooLarge:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels("far more") from error
    except UnidentifiedImageError as error:
        raise InvalidImage("image", f"the file is no image that can be read: {_WAY_OUT}") from error
    except Exception as error:  # decoders fail on damaged files in many ways
        raise InvalidImage("image", f"the image is damaged ({error}): {_WAY_OUT}") from error


def _too_many_pixels(size: str) -> ImageTooLarge:
    return ImageTooLarge(
        "image", f"the image has {size} pixels, and at most {MAX_PIXELS:,} are read: shrink it"
    )


def _pixels(image: Image.Image, preprocessing: "Preprocessing") -> NDArray[np.uint8]:
    side = preprocessing.image_size
    image.draft("RGB", (2 * side, 2 * side))  # a JPEG is decoded no larger than it need be
    upright = ImageOps.exif_transpose(image)
    square = _on_white(upright)
    if preprocessing.resize_mode == "squash":
        square = square.resize((side, side), Image.Resampling.BICUBIC)
    else:
        square = ImageOps.fit(square, (side, side), Image.Resampling.BICUBIC)
    return np.array(square)


def _on_white(image: Image.Image) -> Image.Image:
    """Return the image in RGB; what shows through shows white."""
    if image.mode.startswith("I"):  # grey of 16 bits, which Pillow would cut off at 255
        image = Image.fromarray((np.asarray(image).clip(0, 65_535) // 257).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
