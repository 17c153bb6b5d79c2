"""Cursors as words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidCursor
from app.opaque_cursor import Cursor, decode_cursor, encode_cursor


class Place(Cursor):
    name: str
    number: int


class OtherPlace(Cursor):
    name: str


@given(name=st.text(st.characters(exclude_categories=["Cs"])), number=st.integers(-(2**60), 2**60))
def test_a_cursor_survives_the_way_there_and_back(name: str, number: int) -> None:
    place = Place(name=name, number=number)
    word = encode_cursor(place)
    assert decode_cursor(word, Place) == place
    assert set(word) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text())
def test_any_other_word_is_refused(word: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(word, Place)


def test_the_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidCursor, match="of another list"):
        decode_cursor(encode_cursor(OtherPlace(name="x")), Place)
