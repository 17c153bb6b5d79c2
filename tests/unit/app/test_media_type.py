"""Content types of video files."""

import pytest

from app.media_type import media_type
from tests.factories import make_video


@pytest.mark.parametrize(
    ("container", "codec", "expected"),
    [
        ("mov,mp4,m4a,3gp,3g2,mj2", "h264", "video/mp4"),
        ("matroska,webm", "vp9", "video/webm"),
        ("matroska,webm", "h264", "video/x-matroska"),
        ("avi", "mpeg4", "video/x-msvideo"),
        ("mpegts", "h264", "video/mp2t"),
        (None, None, "application/octet-stream"),
        ("html", None, "application/octet-stream"),
    ],
)
def test_the_content_type_is_that_of_the_container(
    container: str | None, codec: str | None, expected: str
) -> None:
    assert media_type(make_video(container=container, codec=codec, filename="page.html")) == expected
