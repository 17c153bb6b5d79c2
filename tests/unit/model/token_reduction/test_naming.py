"""Names of reductions are read, written and refused."""

import pytest

from model.token_reduction.centerclip import CenterClip
from model.token_reduction.naming import default_segments, parse_reduction


def test_none_is_no_reducer() -> None:
    assert parse_reduction("none", layers=12, frames=12, patches=49) is None


def test_the_papers_notation_names_block_segments_and_tokens() -> None:
    reducer = parse_reduction("centerclip:B6-3,40", layers=12, frames=12, patches=49)
    assert reducer == CenterClip(block=6, segments=3, tokens=40)


@pytest.mark.parametrize(
    ("layers", "frames", "patches", "name"),
    [
        (12, 12, 49, "centerclip:B6-4,49"),
        (12, 12, 196, "centerclip:B6-4,160"),
        (12, 60, 49, "centerclip:B6-20,49"),
        (12, 12, 64, "centerclip:B6-4,64"),
        (24, 12, 256, "centerclip:B12-4,209"),
        (8, 8, 49, "centerclip:B4-2,49"),
        (8, 1, 49, "centerclip:B4-1,49"),
    ],
)
def test_plain_centerclip_takes_the_papers_proportions(
    layers: int, frames: int, patches: int, name: str
) -> None:
    reducer = parse_reduction("centerclip", layers=layers, frames=frames, patches=patches)
    assert reducer is not None
    assert reducer.name == name


@pytest.mark.parametrize("text", ["centerclip:B6-4,49", " CenterClip:b6-4,49 "])
def test_a_name_is_read_back_from_what_it_names(text: str) -> None:
    reducer = parse_reduction(text, layers=12, frames=12, patches=49)
    assert reducer is not None
    assert reducer.name == "centerclip:B6-4,49"
    assert parse_reduction(reducer.name, layers=12, frames=12, patches=49) == reducer


@pytest.mark.parametrize("text", ["", "tome", "centerclip:", "centerclip:6-4,49", "centerclip:B6-4,49,1"])
def test_an_unknown_name_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^'{text}' is no known.*none, centerclip, centerclip:B6-4,49"):
        parse_reduction(text, layers=12, frames=12, patches=49)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("centerclip:B8-4,49", "the tower has 8 blocks"),
        ("centerclip:B4-5,49", "nearest that can be are 4 and 6"),
        ("centerclip:B4-24,49", "at most 12"),
        ("centerclip:B4-4,150", "at most 147"),
    ],
)
def test_a_reduction_that_does_not_fit_is_refused_before_it_runs(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_reduction(text, layers=8, frames=12, patches=49)


@pytest.mark.parametrize(
    ("frames", "segments"), [(1, 1), (2, 1), (3, 1), (7, 1), (8, 2), (9, 3), (10, 2), (12, 4), (60, 20)]
)
def test_default_segments_divide_the_frames(frames: int, segments: int) -> None:
    assert default_segments(frames) == segments
