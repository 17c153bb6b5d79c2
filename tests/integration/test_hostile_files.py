"""Files that ask for too much: each ends in bounded time and memory, with clips or a reason."""

from pathlib import Path

import av
import av.logging
import pytest

from indexer.decoding.messages import DecodedClip, DecodeMessage, DecodeSummary
from indexer.decoding.plans import DecodePlan, FramePlan
from indexer.decoding.probe import VideoProbe, probe
from indexer.decoding.sandbox import decode_clips, decode_frames
from indexer.decoding.spawner_pool import Ended
from indexer.errors import IndexingError, NoFrames, NotAVideo, PictureTooLarge, UnsupportedCodec
from tests.decoders import children_after
from tests.hostile_video import (
    write_growing,
    write_header_only,
    write_long_stills,
    write_pixel_bomb,
    write_song_with_cover,
    write_with_cover,
)
from tests.synthetic_video import RED, flat, write_plain, write_video

PLAN = DecodePlan(image_size=32, resize_mode="shortest", frames_per_clip=12)

MEMORY_CEILING = 400 * 1024**2
"""Of a child that refuses a bomb; 80 MB of it are libraries, and one 8K picture takes 50."""


def decode(path: Path) -> tuple[list[DecodeMessage], Ended]:
    with decode_clips(path, PLAN) as messages:
        found = list(messages)
    return found, messages.ended


def refusal(path: Path) -> tuple[IndexingError, Ended]:
    with decode_clips(path, PLAN) as messages, pytest.raises(IndexingError) as told:
        list(messages)
    return told.value, messages.ended


def test_pictures_larger_than_their_container_says_are_refused(tmp_path: Path) -> None:
    reason, ended = refusal(write_pixel_bomb(tmp_path / "bomb.avi"))
    assert isinstance(reason, NoFrames | PictureTooLarge)
    assert ended.peak_memory_bytes < MEMORY_CEILING
    assert ended.cpu_s < 10


def test_a_stream_that_grows_beyond_the_limit_gives_what_came_before(tmp_path: Path) -> None:
    path = write_growing(tmp_path / "grows.ts", (160, 96, 400), (8192, 4400, 2))
    found, ended = decode(path)
    summary = found[-1]
    assert isinstance(summary, DecodeSummary)
    assert summary.frames_decoded == 400
    assert summary.warning is not None
    assert ended.peak_memory_bytes < MEMORY_CEILING


def test_a_stream_that_changes_its_size_within_the_limit_is_read_on(tmp_path: Path) -> None:
    path = write_growing(tmp_path / "changes.ts", (160, 96, 20), (320, 240, 20), (96, 160, 20))
    found, ended = decode(path)
    video, summary = found[0], found[-1]
    assert isinstance(video, VideoProbe)
    assert isinstance(summary, DecodeSummary)
    assert (video.width, video.height, summary.frames_decoded) == (160, 96, 60)
    assert all(
        message.frames.shape == (12, 32, 32, 3) for message in found if isinstance(message, DecodedClip)
    )
    assert ended.peak_memory_bytes < MEMORY_CEILING


def test_a_container_that_says_it_is_too_large_is_refused_before_a_picture_is_decoded(tmp_path: Path) -> None:
    reason, ended = refusal(write_growing(tmp_path / "large.ts", (8192, 4400, 2)))
    assert isinstance(reason, PictureTooLarge | NoFrames)
    assert ended.peak_memory_bytes < MEMORY_CEILING


def test_a_few_bytes_of_stills_are_read_for_two_days_at_most(tmp_path: Path) -> None:
    path = write_long_stills(tmp_path / "year.mkv", stills=20, each_s=100.0)
    with (
        children_after("child.MAX_VIDEO_S = 450.0") as patient,
        decode_clips(path, PLAN, spawners=patient) as messages,
    ):
        *_, clip, summary = messages
    assert isinstance(clip, DecodedClip)
    assert isinstance(summary, DecodeSummary)
    assert clip.end_s == summary.decoded_seconds == 450.0
    assert summary.warning is not None
    assert "first 0.125 hours" in summary.warning


def test_the_cover_of_a_film_is_passed_over(tmp_path: Path) -> None:
    found, _ = decode(write_with_cover(tmp_path / "film.mp4"))
    video, summary = found[0], found[-1]
    assert isinstance(video, VideoProbe)
    assert isinstance(summary, DecodeSummary)
    assert (video.codec, video.width, video.height, summary.frames_decoded) == ("h264", 160, 96, 10)


def test_a_song_with_a_cover_is_no_video(tmp_path: Path) -> None:
    path = write_song_with_cover(tmp_path / "song.mp3")
    with av.open(str(path)) as container:
        assert container.streams.video, "FFmpeg sees a video here, or the test shows nothing"
    with pytest.raises(NotAVideo):
        probe(path)


def test_no_picture_of_a_codec_off_our_list_is_decoded_even_to_open_the_file(tmp_path: Path) -> None:
    """FFmpeg decodes the first pictures of every stream while it opens a file."""
    path = write_video(tmp_path / "magic.avi", [(0.0, flat(RED)), (0.1, flat(RED))], codec="magicyuv")
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv444p", "decoded unasked"
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as said, pytest.raises(UnsupportedCodec, match="magicyuv"):
            probe(path)
    finally:
        av.logging.set_level(level)
    assert any("not on whitelist" in line for _, _, line in said)


def test_a_late_part_of_a_file_that_holds_only_a_header_has_no_frames(tmp_path: Path) -> None:
    """FFmpeg can go neither there nor back (EPERM)."""
    path = write_header_only(tmp_path / "header.mp4")
    plan = FramePlan(32, "shortest", 3.0, 60, start_s=1.0, end_s=3.0)
    with decode_frames(path, plan) as messages, pytest.raises(NoFrames, match=r"header\.mp4"):
        list(messages)


def test_bytes_behind_a_damaged_end_do_no_harm(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mp4", 2.0)
    path.write_bytes(path.read_bytes() + b"\xff" * 10_000)
    found, _ = decode(path)
    assert isinstance(found[-1], DecodeSummary)
