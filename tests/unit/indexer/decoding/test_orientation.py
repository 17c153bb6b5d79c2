"""Display matrices say how a picture is turned; what they say is done to it."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from av.video.frame import VideoFrame

from indexer.decoding import orientation
from indexer.decoding.orientation import UPRIGHT, Orientation, orientation_of

ONE = 1 << 16


class Told:
    """A display matrix as FFmpeg gives it."""

    def __init__(self, *numbers: int) -> None:
        self._bytes = np.array(numbers, np.int32).tobytes()
        self.buffer_size = len(self._bytes)

    def __bytes__(self) -> bytes:
        return self._bytes


def read(monkeypatch: pytest.MonkeyPatch, *numbers: int) -> Orientation:
    monkeypatch.setattr(orientation, "SideData", Told)
    told = Told(*numbers) if numbers else None
    return orientation_of(cast(VideoFrame, SimpleNamespace(side_data={"DISPLAYMATRIX": told})))


def shown_by(a: int, b: int, c: int, d: int) -> list[list[int]]:
    """Return where a matrix puts the pixels of [[0, 1, 2], [3, 4, 5]]: (x, y) at (ax + cy, bx + dy)."""
    places = {(a * x + c * y, b * x + d * y): 3 * y + x for x in range(3) for y in range(2)}
    rows = sorted({y for _, y in places})
    return [[places[x, y] for x in sorted({x for x, _ in places})] for y in rows]


@pytest.mark.parametrize(
    "matrix",
    [
        (1, 0, 0, 1),
        (0, 1, -1, 0),
        (-1, 0, 0, -1),
        (0, -1, 1, 0),
        (-1, 0, 0, 1),
        (1, 0, 0, -1),
        (0, 1, 1, 0),
        (0, -1, -1, 0),
    ],
)
def test_each_of_the_eight_ways_is_shown_as_its_matrix_says(
    monkeypatch: pytest.MonkeyPatch, matrix: tuple[int, int, int, int]
) -> None:
    a, b, c, d = (number * ONE for number in matrix)
    found = read(monkeypatch, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    stored = np.arange(6).reshape(2, 3)
    assert found.upright(stored).tolist() == shown_by(*matrix)
    assert found.swaps_sides == (matrix[0] == 0)


@pytest.mark.parametrize(
    "numbers",
    [
        (),
        (0,) * 9,
        (ONE, 0, 0, 0),
        (46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30),
        (-(1 << 31), 7, 0, 7, 3, 0, 0, 0, 0),
    ],
)
def test_no_matrix_a_damaged_one_and_one_of_another_angle_count_as_upright(
    monkeypatch: pytest.MonkeyPatch, numbers: tuple[int, ...]
) -> None:
    found = read(monkeypatch, *numbers)
    assert found == UPRIGHT or numbers[0] < 0
    assert found.rotation in (0, 90, 180, 270)


def test_a_larger_scale_turns_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, 0, 2 * ONE, 0, -2 * ONE, 0, 0, 0, 0, 1 << 30) == Orientation(270)
