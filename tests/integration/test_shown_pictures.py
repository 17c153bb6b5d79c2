"""What a screen would show of a frame is what the encoder, the thumbnail and the preview get."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorTrc
from numpy.typing import NDArray
from PIL import Image

from indexer.clip_cutting import cutting
from indexer.decoding.messages import DecodedClip
from indexer.decoding.orientation import Orientation
from indexer.decoding.plans import DecodePlan
from indexer.decoding.sandbox import decode_clips
from indexer.previews import LONG_PX, SHORT_PX
from tests.odd_video import (
    CORNERS,
    HEIGHT,
    WIDTH,
    corners_of,
    write_four_colours,
    write_high_dynamic_range,
    write_interlaced,
    write_transparent,
    write_turned,
)

Picture = NDArray[np.uint8]

ORIENTATIONS = [Orientation(turn, is_mirrored) for turn in (0, 90, 180, 270) for is_mirrored in (False, True)]

PATHS = ("encoder", "thumbnail", "preview")


def shown(film: Path) -> dict[str, Picture]:
    """Return what each path makes of half a second into ``film``."""
    plan = DecodePlan(image_size=96, resize_mode="squash", frames_per_clip=2)
    with decode_clips(film, plan) as messages:
        [clip] = [message for message in messages if isinstance(message, DecodedClip)]
    with cutting(film, 0.0, 1.0, film.parent / "cuts", size_px=(LONG_PX, SHORT_PX)) as cut:
        preview = frames_of(cut.wait())[5]
    thumbnail = np.asarray(Image.open(io.BytesIO(clip.thumbnail_jpeg)))
    return {"encoder": clip.frames[1], "thumbnail": thumbnail, "preview": preview}


def frames_of(preview: Path) -> list[Picture]:
    """Return the frames of a preview as a player without any special gift shows them."""
    with av.open(str(preview)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.sample_aspect_ratio in (None, 0, 1)
        frames = list(container.decode(stream))
        assert {frame.rotation for frame in frames} == {0}
        assert {frame.color_trc for frame in frames}.isdisjoint({ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67})
        return [frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False) for frame in frames]


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_pictures_are_upright_by_every_path(tmp_path: Path, orientation: Orientation) -> None:
    pictures = shown(write_turned(tmp_path / "turned.mp4", orientation))
    assert pictures["thumbnail"].shape == pictures["preview"].shape == (HEIGHT, WIDTH, 3)
    for path in PATHS:
        np.testing.assert_allclose(corners_of(pictures[path]), CORNERS, atol=16, err_msg=path)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("film.mp4", "libx264", "yuv420p10le"),
        ("film.mp4", "libx264", "yuv422p10le"),
        ("film.mp4", "libx265", "yuv420p12le"),
        ("film.mov", "prores_ks", "yuv422p10le"),
        ("film.mkv", "libsvtav1", "yuv420p10le"),
        ("film.mkv", "ffv1", "bgr0"),
        ("film.mkv", "ffv1", "gbrp16le"),
    ],
)
def test_more_bits_and_other_formats_have_the_same_colours_by_every_path(
    tmp_path: Path, name: str, codec: str, pixels: str
) -> None:
    pictures = shown(write_four_colours(tmp_path / name, codec, pixels))
    for path in PATHS:
        np.testing.assert_allclose(corners_of(pictures[path]), CORNERS, atol=16, err_msg=path)


@pytest.mark.parametrize(("aspect", "width"), [(Fraction(2), 2 * WIDTH), (Fraction(1, 2), WIDTH // 2)])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_pixels_are_square_by_every_path(tmp_path: Path, suffix: str, aspect: Fraction, width: int) -> None:
    film = write_four_colours(tmp_path / f"film.{suffix}", "libx264", "yuv420p", aspect)
    pictures = shown(film)
    assert pictures["thumbnail"].shape == pictures["preview"].shape == (HEIGHT, width, 3)


def assert_greys(picture: Picture, expected: list[int]) -> None:
    width = picture.shape[1] // len(expected)
    greys = [picture[picture.shape[0] // 2, width * index + width // 2] for index in range(len(expected))]
    np.testing.assert_allclose(greys, np.repeat(expected, 3).reshape(-1, 3), atol=8)


@pytest.mark.parametrize("trc", [ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67], ids=["PQ", "HLG"])
def test_high_dynamic_range_is_shown_as_on_an_ordinary_screen_by_every_path(
    tmp_path: Path, trc: ColorTrc
) -> None:
    pictures = shown(write_high_dynamic_range(tmp_path / "hdr.mp4", trc))
    for path in PATHS:
        # 1, 10, 50, 100, 203 (white), 400, 600 and 1000 nits: white is nearly white, more is told apart.
        assert_greys(pictures[path], [28, 73, 142, 189, 241, 251, 254, 255])


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("film.mov", "prores_ks", "yuva444p10le"), ("film.mkv", "ffv1", "yuva420p"), ("a.mkv", "ffv1", "bgra")],
)
def test_what_cannot_be_seen_is_black_by_every_path(
    tmp_path: Path, name: str, codec: str, pixels: str
) -> None:
    pictures = shown(write_transparent(tmp_path / name, codec, pixels))
    for path in PATHS:
        assert_greys(pictures[path], [255, 0])


def comb(picture: Picture) -> float:
    """Return by how much neighbouring rows differ, on average."""
    return float(np.abs(np.diff(picture.astype(int), axis=0)).mean())


@pytest.mark.parametrize(("name", "codec"), [("film.mp4", "libx264"), ("film.ts", "mpeg2video")])
def test_an_interlaced_film_shows_no_comb_by_every_path(tmp_path: Path, name: str, codec: str) -> None:
    film = write_interlaced(tmp_path / name, codec)
    with av.open(str(film)) as container:
        stored = next(container.decode(video=0))
        assert stored.interlaced_frame
        assert comb(stored.to_ndarray(format="rgb24").astype(np.uint8, copy=False)) > 20
    pictures = shown(film)
    for path in PATHS:
        assert comb(pictures[path]) < 3, path
    assert pictures["thumbnail"].shape == pictures["preview"].shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_turned(path, Orientation(90)),
        lambda path: write_four_colours(path, "libx264", "yuv420p", Fraction(3, 2)),
    ],
)
def test_a_large_picture_keeps_its_shape_when_it_is_made_smaller(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    film = write(tmp_path / "film.mp4")
    with cutting(film, 0.0, 1.0, tmp_path / "cuts", size_px=(120, 60)) as cut:
        height, width, _ = frames_of(cut.wait())[0].shape
    with cutting(film, 0.0, 1.0, tmp_path / "cuts") as cut:
        whole_height, whole_width, _ = frames_of(cut.wait())[0].shape
    assert max(width, height) <= 120
    assert min(width, height) <= 60
    assert width / height == pytest.approx(whole_width / whole_height, abs=0.06)
