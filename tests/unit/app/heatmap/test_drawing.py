"""Heat maps as pictures."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.heatmap.drawing import Cells, colours_of, draw_heatmap

GREY = np.full((224, 224, 3), 120, np.uint8)


def cells(*places: tuple[int, int, float], side: int = 7) -> Cells:
    rows, columns, heat = zip(*places, strict=True) if places else ((), (), ())
    return Cells(np.array(rows, np.int64), np.array(columns, np.int64), np.array(heat, np.float32), side)


def drawn(picture: NDArray[np.uint8], kept: Cells) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(draw_heatmap(picture, kept))) as image:
        assert image.format == "PNG"
        return np.array(image)


def test_kept_patches_have_the_colour_of_their_heat_and_the_others_are_dark() -> None:
    picture = drawn(GREY, cells((0, 0, 0.0), (3, 6, 1.0)))
    assert picture.shape == (448, 448, 3)
    cold, hot, dropped = picture[32, 32], picture[3 * 64 + 32, 6 * 64 + 32], picture[32, 100]
    assert cold.argmax() == 2
    assert hot.argmax() == 0
    assert dropped.tolist() == [36, 36, 36]


def test_a_kept_patch_lets_the_picture_through() -> None:
    picture = GREY.copy()
    picture[:16] = 220
    kept = drawn(picture, cells((0, 0, 0.5)))
    assert int(kept[10, 32].sum()) > int(kept[50, 32].sum()) + 60


def test_patches_are_parted_by_a_line() -> None:
    picture = drawn(GREY, cells((0, 0, 1.0), (0, 1, 1.0)))
    assert picture[32, 64].tolist() == [36, 36, 36]
    assert picture[32, 63].tolist() == picture[32, 65].tolist() != [36, 36, 36]


def test_a_frame_of_which_nothing_was_kept_is_all_dark() -> None:
    assert (drawn(GREY, cells()) == 36).all()


def test_patches_that_do_not_divide_the_pixels_reach_to_the_edges() -> None:
    places = [(row, column, 0.5) for row in range(13) for column in range(13)]
    picture = drawn(np.full((100, 100, 3), 200, np.uint8), cells(*places, side=13))
    assert picture.shape == (500, 500, 3)
    assert picture[-1, -1].tolist() == picture[2, 2].tolist() != [60, 60, 60]


def test_colours_go_from_blue_over_yellow_to_red() -> None:
    blue, yellow, red = colours_of(np.array([0.0, 0.65, 1.0], np.float32)).round().tolist()
    assert (blue, yellow, red) == ([38, 60, 160], [245, 205, 70], [215, 40, 35])
