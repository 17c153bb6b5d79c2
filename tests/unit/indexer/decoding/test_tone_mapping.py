"""High dynamic range becomes what an ordinary screen can show."""

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc
from numpy.typing import NDArray

from indexer.decoding.tone_mapping import ToneMapper, to_ordinary

PQ, HLG = ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67
PQ_OF_203_NITS, HLG_OF_203_NITS = 0.5807, 0.75


def grey(signal: float, trc: int) -> float:
    return float(to_ordinary(np.full((1, 3), signal), trc)[0, 0])


@pytest.mark.parametrize("trc", [PQ, HLG])
def test_brightness_never_falls_and_stays_within_the_screen(trc: int) -> None:
    signal = np.repeat(np.linspace(0, 1, 500)[:, None], 3, axis=1)
    mapped = to_ordinary(signal, trc)[:, 0]
    assert mapped[0] == 0.0
    assert mapped[-1] == pytest.approx(1.0)
    assert np.all(np.diff(mapped) >= -1e-9)


@pytest.mark.parametrize(("trc", "white"), [(PQ, PQ_OF_203_NITS), (HLG, HLG_OF_203_NITS)])
def test_white_is_nearly_white_in_both_and_what_is_brighter_is_told_apart(trc: int, white: float) -> None:
    assert grey(white, trc) == pytest.approx(241 / 255, abs=0.01)
    assert grey(white, trc) < grey(white + 0.1, trc) < grey(white + 0.15, trc)


def test_a_bright_colour_keeps_its_hue() -> None:
    orange = np.array([[0.75, 0.6, 0.2]])  # 1,000 nits and more in red
    red, green, blue = to_ordinary(orange, PQ)[0]
    assert red > green > blue
    assert green < 0.75


def test_colours_of_bt709_are_left_within_them() -> None:
    pure = np.array([[0.5, 0.0, 0.0]])
    assert to_ordinary(pure, PQ, is_wide=False)[0, 1:].max() == 0.0
    assert to_ordinary(pure, PQ, is_wide=True)[0, 0] > to_ordinary(pure, PQ, is_wide=False)[0, 0]


def picture(width: int, height: int) -> NDArray[np.uint16]:
    return np.random.default_rng(1).integers(0, 65535, (height, width, 3)).astype(np.uint16)


def test_looking_up_is_as_good_as_computing_and_sizes_may_change() -> None:
    mapper = ToneMapper()
    for width, height in ((64, 32), (64, 32), (40, 60)):
        colours = picture(width, height)
        frame = VideoFrame.from_ndarray(colours, format="rgb48le")
        mapped = mapper.mapped(frame, PQ, ColorPrimaries.BT2020).to_ndarray() / 65535
        computed = to_ordinary(colours / 65535, PQ)
        assert np.abs(mapped - computed).mean() < 0.005
