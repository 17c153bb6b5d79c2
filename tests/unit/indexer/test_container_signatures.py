"""Which files of a folder are offered to the decoder."""

from pathlib import PurePath

import pytest

from indexer.container_signatures import looks_like_video, names_video


@pytest.mark.parametrize("name", ["a.mp4", "A.MOV", "-x.mkv", "holiday.2024.webm", "tape.vob", "disc.m2ts"])
def test_a_video_extension_is_enough(name: str) -> None:
    assert names_video(PurePath(name)) is True


@pytest.mark.parametrize("name", ["song.mp3", "photo.heic", "film.mp4.part", "voice.m4a"])
def test_audio_pictures_and_unfinished_downloads_are_never_offered(name: str) -> None:
    assert names_video(PurePath(name)) is False


@pytest.mark.parametrize("name", ["README", "film.dat", "index.ts", "mp4"])
def test_other_names_leave_the_decision_to_the_first_bytes(name: str) -> None:
    assert names_video(PurePath(name)) is None


TRANSPORT_STREAM = (b"\x47" + bytes(187)) * 5
BLURAY_STREAM = (bytes(4) + b"\x47" + bytes(187)) * 5


@pytest.mark.parametrize(
    "head",
    [
        b"\x00\x00\x00\x20ftypisom",
        b"\x1aE\xdf\xa3\x01",
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"FLV\x01\x05",
        b"\x00\x00\x01\xba\x44",
        b"OggS" + bytes(24) + b"\x80theora",
        TRANSPORT_STREAM,
        BLURAY_STREAM,
    ],
)
def test_a_video_container_is_known_by_its_first_bytes(head: bytes) -> None:
    assert looks_like_video(head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GGGG",
        b"export const answer = 42;",
        b"\x00\x00\x00\x20ftypheic",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"OggS" + bytes(24) + b"\x01vorbis",
        TRANSPORT_STREAM[:500],
    ],
)
def test_other_files_are_passed_over_by_their_first_bytes(head: bytes) -> None:
    assert not looks_like_video(head)
