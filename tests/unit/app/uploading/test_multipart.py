"""The multipart reader, whatever pieces the body comes in."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import MalformedUpload, NotMultipart
from app.uploading.multipart import MultipartReader

CONTENT_TYPE = 'multipart/form-data; boundary="frontier"'
TRICKY = b"\r\n--frontie\r\n--\r\nfrontier--\r\n" * 3


def body(*parts: tuple[str, bytes]) -> bytes:
    written = b""
    for disposition, data in parts:
        written += b"--frontier\r\nContent-Disposition: form-data; " + disposition.encode() + b"\r\n\r\n"
        written += data + b"\r\n"
    return written + b"--frontier--\r\n"


def in_pieces(whole: bytes, size: int) -> Iterator[bytes]:
    return (whole[start : start + size] for start in range(0, len(whole), size))


def read(chunks: Iterator[bytes]) -> list[tuple[str, str | None, bytes]]:
    parts = MultipartReader(CONTENT_TYPE, chunks).parts()
    return [(part.name, part.filename, b"".join(part.data)) for part in parts]


@given(size=st.integers(1, 200), content=st.binary(max_size=300))
def test_parts_are_the_same_in_pieces_of_any_size(size: int, content: bytes) -> None:
    if b"--frontier" in content:
        return
    whole = body(
        ('name="title"', b"a day"), ('name="file"; filename="a.mp4"', content), ('name="end"', TRICKY)
    )
    expected = [("title", None, b"a day"), ("file", "a.mp4", content), ("end", None, TRICKY)]
    assert read(in_pieces(whole, size)) == expected


def test_what_browsers_escape_in_names_is_unescaped() -> None:
    whole = body(('name="a%0D%0Ab"; filename="the %22best%22 100%25.mp4"', b""))
    assert read(iter([whole])) == [("a\r\nb", 'the "best" 100%25.mp4', b"")]


def test_data_is_given_on_before_the_body_is_at_its_end() -> None:
    taken: list[int] = []

    def chunks() -> Iterator[bytes]:
        yield body(('name="file"; filename="a.mp4"', b""))[:-16]
        for number in range(100):
            taken.append(number)
            yield b"x" * 1000

    part = next(MultipartReader(CONTENT_TYPE, chunks()).parts())
    assert len(next(part.data)) <= 1000
    assert len(taken) <= 2


def test_a_part_that_is_left_unread_is_passed_over() -> None:
    whole = body(('name="one"', b"1" * 5000), ('name="two"', b"2"))
    parts = MultipartReader(CONTENT_TYPE, in_pieces(whole, 100)).parts()
    assert [part.name for part in parts] == ["one", "two"]


@pytest.mark.parametrize("cut", [0, 1, 30, 80, 100, -3])
def test_a_body_that_ends_too_early_is_refused(cut: int) -> None:
    whole = body(('name="file"; filename="a.mp4"', b"content of the file"))
    with pytest.raises(MalformedUpload):
        read(in_pieces(whole[:cut], 10))


def test_a_part_with_endless_headers_is_refused() -> None:
    with pytest.raises(MalformedUpload):
        read(iter([b"--frontier\r\n", b"X-Padding: " + b"x" * 100_000]))


@pytest.mark.parametrize(
    "content_type",
    ["", "video/mp4", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x"],
)
def test_another_content_type_is_refused_with_its_name(content_type: str) -> None:
    with pytest.raises(NotMultipart, match="multipart/form-data"):
        MultipartReader(content_type, iter([]))


def test_a_boundary_beyond_all_measure_is_refused() -> None:
    with pytest.raises(NotMultipart):
        MultipartReader(f"multipart/form-data; boundary={'x' * 5000}", iter([]))
