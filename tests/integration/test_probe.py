"""What a file is, told from real files; what is no video is refused with its reason."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from indexer.decoding.probe import probe
from indexer.errors import (
    EmptyFile,
    IndexingError,
    MediaMissing,
    NotAVideo,
    NoVideoStream,
    PictureTooLarge,
    PictureTooSmall,
    UnsupportedCodec,
)
from tests.synthetic_video import (
    RED,
    flat,
    write_audio_only,
    write_not_a_video,
    write_one_pixel,
    write_oriented,
    write_plain,
    write_video,
)


def test_a_plain_video_tells_what_it_is(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "plain.mp4", duration_s=3.0, frame_rate=10.0)
    found = probe(path)
    assert "mp4" in found.container
    assert (found.codec, found.width, found.height, found.rotation) == ("h264", 160, 96, 0)
    assert found.duration_s == pytest.approx(3.0, abs=0.05)
    assert found.frame_rate == pytest.approx(10.0, abs=0.1)
    assert not found.has_audio
    assert found.size_bytes == path.stat().st_size


@pytest.mark.parametrize(
    ("codec", "name", "told"), [("libsvtav1", "a.mp4", "av1"), ("libvpx-vp9", "a.webm", "vp9")]
)
def test_the_codec_is_told_and_not_the_decoder(tmp_path: Path, codec: str, name: str, told: str) -> None:
    assert probe(write_plain(tmp_path / name, 1.0, codec=codec)).codec == told  # type: ignore[arg-type]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_the_size_is_as_shown_after_rotation(tmp_path: Path, rotation: int) -> None:
    found = probe(write_oriented(tmp_path / "turned.mp4", rotation))
    assert (found.width, found.height, found.rotation) == (160, 96, rotation)


def test_the_size_is_as_shown_with_wide_pixels(tmp_path: Path) -> None:
    found = probe(write_oriented(tmp_path / "wide.mp4", pixel_aspect=Fraction(2, 1)))
    assert (found.width, found.height) == (320, 96)


def test_a_name_that_is_hostile_or_no_utf8_is_opened_like_any_other(tmp_path: Path) -> None:
    plain = write_plain(tmp_path / "plain.mp4", 1.0).read_bytes()
    for name in ["-dash.mp4", "file:x.mp4", "%d te[s]t ' \".mp4", "line\nbreak.mp4", "b\udcffad.mp4"]:
        path = tmp_path / name
        path.write_bytes(plain)
        assert probe(path).codec == "h264"


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(NoVideoStream, match=r"sound\.m4a has no video stream .*audio"):
        probe(write_audio_only(tmp_path / "sound.m4a"))


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(NoVideoStream):
        probe(write_audio_only(tmp_path / "song.m4a", cover=flat(RED)))


def test_bytes_of_no_container_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAVideo, match=r"text\.mp4 is not a video"):
        probe(write_not_a_video(tmp_path / "text.mp4"))


@pytest.mark.parametrize(
    "script",
    ["#EXTM3U\n#EXTINF:1,\n{other}\n", "ffconcat version 1.0\nfile other.mp4\n"],
    ids=["playlist", "concat"],
)
def test_a_script_that_opens_another_file_is_refused(tmp_path: Path, script: str) -> None:
    other = write_plain(tmp_path / "other.mp4", 1.0)
    path = tmp_path / "script.mp4"
    path.write_text(script.format(other=other))
    with pytest.raises(NotAVideo):
        probe(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(EmptyFile, match=r"empty\.mp4 is empty"):
        probe(path)


@pytest.mark.parametrize("name", ["gone.mp4", "."])
def test_what_is_not_there_or_no_file_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaMissing):
        probe(tmp_path / name)


def test_one_pixel_is_too_small(tmp_path: Path) -> None:
    with pytest.raises(PictureTooSmall, match="1x1"):
        probe(write_one_pixel(tmp_path / "pixel.mkv"))


def test_more_pixels_than_the_limit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureTooLarge, match=r"160x96 .* 10000"):
        probe(write_plain(tmp_path / "large.mp4", 1.0), max_pixels=10_000)


def test_a_codec_that_is_not_on_the_list_is_refused(tmp_path: Path) -> None:
    pictures = [(index / 10, flat(RED)) for index in range(5)]
    path = write_video(tmp_path / "magic.avi", pictures, codec="magicyuv")
    with pytest.raises(UnsupportedCodec, match="magicyuv"):
        probe(path)


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(ValueError, match="relative"):
        probe(Path("video.mp4"))


def test_every_refusal_has_a_code_of_its_own() -> None:
    kinds = IndexingError.__subclasses__()
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("written", "told"), [("10:11:12:05", "10:11:12:05"), ("01:00:00;02", "01:00:00;02"), (None, None)]
)
def test_the_cameras_timecode_is_told(tmp_path: Path, written: str | None, told: str | None) -> None:
    path = tmp_path / "camera.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(30000, 1001))
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        if written is not None:
            stream.metadata["timecode"] = written
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert probe(path).start_timecode == told
