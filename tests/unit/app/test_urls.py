"""Addresses."""

from app.urls import stream_url


def test_a_moment_is_a_media_fragment_without_needless_digits() -> None:
    assert stream_url("ab", 4.0, 8.25) == "/videos/ab/stream#t=4,8.25"
    assert stream_url("ab", 0.0, 1 / 3) == "/videos/ab/stream#t=0,0.333"
    assert stream_url("ab") == "/videos/ab/stream"
