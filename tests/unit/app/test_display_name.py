"""Names from outside, as they are shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.display_name import MAX_CHARACTERS, display_name, one_line, visible_text


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("film.mp4", "film.mp4"),
        ("Ünïcode 映画.mkv", "Ünïcode 映画.mkv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\film.mp4", "film.mp4"),
        ("folder/", "folder"),
        (".hidden", "hidden"),
        ("...", "video"),
        ("  ", "video"),
        ("", "video"),
        ("a\0b\nc.mp4", "abc.mp4"),
        ("film\u202e4pm.exe", "film4pm.exe"),
    ],
)
def test_only_a_harmless_last_part_is_shown(given_name: str, shown: str) -> None:
    assert display_name(given_name) == shown


def test_a_long_name_keeps_its_suffix() -> None:
    assert display_name("x" * 400 + ".mp4") == "x" * 251 + ".mp4"
    assert display_name("y" * 400) == "y" * 255


@given(st.text())
def test_any_name_becomes_one_that_is_short_and_has_no_folder(name: str) -> None:
    shown = display_name(name)
    assert 1 <= len(shown) <= MAX_CHARACTERS
    assert "/" not in shown
    assert "\\" not in shown
    assert shown == visible_text(shown)


def test_one_line_has_no_control_characters_and_single_blanks() -> None:
    assert one_line(" a\r\n002  b\u2028c\x1b[2J \u202ed\ud800\x00 ") == "a 002 b c[2J d"
