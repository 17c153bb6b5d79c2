"""Small pictures are upright, of the right size, shape and colours."""

import io

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray
from PIL import Image

from indexer.decoding.orientation import Orientation
from indexer.decoding.pictures import PictureScaler, to_jpeg

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 30), (30, 30, 200)


def frame_of(picture: NDArray[np.uint8]) -> VideoFrame:
    return VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")


def columns(*colours: tuple[int, int, int], width: int = 300, height: int = 100) -> NDArray[np.uint8]:
    picture = np.zeros((height, width, 3), np.uint8)
    for index, colour in enumerate(colours):
        part = width // len(colours)
        picture[:, index * part : (index + 1) * part] = colour
    return picture


def close(pixel: NDArray[np.uint8], colour: tuple[int, int, int], within: int = 6) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() <= within)


def test_the_shortest_side_is_fitted_and_the_centre_cropped() -> None:
    picture = PictureScaler().model_input(frame_of(columns(RED, GREEN, BLUE)), 32, "shortest")
    assert picture.shape == (32, 32, 3)
    assert picture.dtype == np.uint8
    assert close(picture[16, 2], GREEN)
    assert close(picture[16, 29], GREEN)


def test_squashing_keeps_the_whole_picture() -> None:
    picture = PictureScaler().model_input(frame_of(columns(RED, GREEN, BLUE)), 32, "squash")
    assert picture.shape == (32, 32, 3)
    assert close(picture[16, 2], RED)
    assert close(picture[16, 16], GREEN)
    assert close(picture[16, 29], BLUE)


def test_wide_pixels_widen_the_picture_before_the_crop() -> None:
    narrow = frame_of(columns(RED, GREEN, BLUE, width=90, height=90))
    assert close(PictureScaler().model_input(narrow, 30, "shortest")[15, 4], RED)
    assert close(PictureScaler().model_input(narrow, 30, "shortest", aspect=3.0)[15, 4], GREEN)
    assert PictureScaler().thumbnail(narrow, 480, aspect=2.0).shape == (90, 180, 3)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_picture_is_made_upright(rotation: int) -> None:
    upright = columns(RED, BLUE, width=100, height=60)
    stored = frame_of(np.rot90(upright, -rotation // 90))
    orientation = Orientation(rotation)
    thumbnail = PictureScaler().thumbnail(stored, 480, orientation=orientation)
    assert thumbnail.shape == (60, 100, 3)
    model_input = PictureScaler().model_input(stored, 32, "shortest", orientation=orientation)
    for picture in (thumbnail, model_input):
        middle = picture.shape[0] // 2
        assert close(picture[middle, 2], RED)
        assert close(picture[middle, -3], BLUE)


def test_a_thumbnail_is_shrunk_and_never_enlarged() -> None:
    assert PictureScaler().thumbnail(frame_of(columns(RED, width=1000, height=500)), 480).shape == (
        240,
        480,
        3,
    )
    assert PictureScaler().thumbnail(frame_of(columns(RED, width=500, height=1000)), 480).shape == (
        480,
        240,
        3,
    )
    assert PictureScaler().thumbnail(frame_of(columns(RED, width=64, height=32)), 480).shape == (32, 64, 3)


def test_an_extremely_long_picture_takes_little_memory() -> None:
    picture = PictureScaler().model_input(frame_of(columns(RED, width=8000, height=16)), 64, "shortest")
    assert picture.shape == (64, 64, 3)


def test_the_pictures_are_those_that_pillow_makes() -> None:
    rng = np.random.default_rng(3)
    smooth = Image.fromarray(rng.integers(0, 255, (9, 16, 3), dtype=np.uint8)).resize((640, 360))
    ours = PictureScaler().model_input(frame_of(np.asarray(smooth)), 72, "squash")
    pillows = np.asarray(smooth.resize((72, 72), Image.Resampling.BICUBIC))
    assert np.abs(ours.astype(int) - pillows).mean() < 1.5


def grey_10_bit(code: int, *, trc: ColorTrc, primaries: ColorPrimaries) -> VideoFrame:
    frame = VideoFrame(64, 64, "yuv420p10le")
    for plane, value in zip(frame.planes, (code, 512, 512), strict=True):
        plane.update(np.full(plane.buffer_size // 2, value, np.uint16).tobytes())
    frame.colorspace = Colorspace.BT2020
    frame.color_range = ColorRange.MPEG
    frame.color_trc, frame.color_primaries = trc, primaries
    return frame


def test_ten_bits_become_eight() -> None:
    frame = grey_10_bit(64 + 438, trc=ColorTrc.BT709, primaries=ColorPrimaries.BT709)
    picture = PictureScaler().model_input(frame, 32, "shortest")
    assert close(picture[16, 16], (128, 128, 128), within=3)


def test_the_white_of_a_high_dynamic_range_picture_is_shown_white() -> None:
    pq_code_of_203_nits = 64 + round(876 * 0.5807)
    frame = grey_10_bit(pq_code_of_203_nits, trc=ColorTrc.SMPTE2084, primaries=ColorPrimaries.BT2020)
    picture = PictureScaler().model_input(frame, 32, "shortest")
    assert picture[16, 16].min() > 235


def test_unnamed_colours_of_a_high_picture_are_those_of_hdtv() -> None:
    def red_shown(height: int) -> NDArray[np.uint8]:
        frame = VideoFrame(64, height, "yuv420p")
        for plane, value in zip(frame.planes, (63, 102, 240), strict=True):  # pure red in BT.709
            plane.update(bytes([value]) * plane.buffer_size)
        picture = PictureScaler().model_input(frame, 32, "squash")
        return picture[16:17, 16:17]

    assert close(red_shown(720), (255, 0, 0), within=4)
    assert not close(red_shown(480), (255, 0, 0), within=4)


def test_a_jpeg_shows_the_picture() -> None:
    shown = np.asarray(Image.open(io.BytesIO(to_jpeg(columns(RED, BLUE, width=100, height=60)))))
    assert shown.shape == (60, 100, 3)
    assert close(shown[30, 10], RED, within=12)
    assert close(shown[30, 90], BLUE, within=12)
