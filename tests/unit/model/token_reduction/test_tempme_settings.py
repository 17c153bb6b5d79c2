"""TempMe's settings: the paper's by default, read from names, and refused where they do not fit."""

import pytest

from model.token_reduction.base import TowerShape
from model.token_reduction.tempme import TempMe, default_gluing

B32 = TowerShape(12, 49, 1)
B16 = TowerShape(12, 196, 1)
PAPER_B32 = TempMe((2, 2, 3), 2, 0.7, 0.9)
PAPER_B16 = TempMe((2, 2, 3), 10, 0.6, 0.8)


@pytest.mark.parametrize(
    ("frames", "gluing"),
    [
        (1, (1, 1, 1)),
        (7, (1, 1, 7)),
        (8, (2, 2, 2)),
        (12, (2, 2, 3)),
        (18, (2, 3, 3)),
        (60, (3, 4, 5)),
        (64, (4, 4, 4)),
    ],
)
def test_by_default_the_three_gluings_are_as_equal_as_can_be(frames: int, gluing: tuple[int, ...]) -> None:
    assert default_gluing(frames) == gluing


def test_the_defaults_are_the_papers() -> None:
    assert TempMe.parse("", B32, 12) == PAPER_B32
    assert TempMe.parse("", B16, 12) == PAPER_B16
    assert TempMe.parse("", TowerShape(6, 1, 1), 12).merged == 0


@pytest.mark.parametrize("reducer", [PAPER_B32, PAPER_B16, TempMe((1, 3, 4), 0, 1, 0.125, layers=24)])
def test_a_name_gives_an_equal_reducer(reducer: TempMe) -> None:
    family, options = reducer.name.split(":")
    assert family == "tempme"
    assert TempMe.parse(options, TowerShape(reducer.layers, 49, 1), 12) == reducer


def test_the_name_is_the_one_in_the_documentation() -> None:
    assert PAPER_B32.name == "tempme:2-2-3/2/0.7/0.9"


@pytest.mark.parametrize("options", ["2-2-3", "2-2/2/0.7/0.9", "2-2-3/2/0.7/x", "2-2-3/2/70%/0.9"])
def test_malformed_options_are_shown_an_example(options: str) -> None:
    with pytest.raises(ValueError, match=r"tempme:2-2-3/2/0\.7/0\.9"):
        TempMe.parse(options, B32, 12)


@pytest.mark.parametrize("kept", ["0", "1.5", "0.12345"])
def test_a_fraction_that_cannot_be_kept_is_named(kept: str) -> None:
    with pytest.raises(ValueError, match=f"keeps the fraction {kept}"):
        TempMe.parse(f"2-2-3/2/{kept}/0.9", B32, 12)


def test_clips_glued_by_none_are_refused() -> None:
    with pytest.raises(ValueError, match="glued by 1 or more"):
        TempMe.parse("0-2-3/2/0.7/0.9", B32, 12)


@pytest.mark.parametrize(
    ("shape", "frames", "message"),
    [
        (B32, 10, "glues 12 frames into one sequence, and there are 10: glue 1-2-5, or take 12 frames"),
        (TowerShape(24, 49, 1), 12, "layers=24"),
        (TowerShape(12, 3, 1), 12, "ask for at most 1"),
    ],
)
def test_what_does_not_fit_is_told_with_the_nearest_that_does(
    shape: TowerShape, frames: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PAPER_B32.schedule(shape, frames)


def test_a_tower_of_three_blocks_has_no_place_for_the_clips() -> None:
    shape = TowerShape(3, 49, 1)
    with pytest.raises(ValueError, match="needs 4 blocks for its clips, and the tower has 3"):
        TempMe.parse("", shape, 12).schedule(shape, 12)
