"""Files that end too early, or never say how long they are: what decodes is used, what is missing is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from indexer.catalog.states import VideoState
from indexer.decoding import reader as reader_module
from indexer.decoding.container import OpenVideo, open_video
from indexer.decoding.messages import DecodedClip, DecodeSummary
from indexer.decoding.plans import DecodePlan
from indexer.decoding.probe import probe
from indexer.decoding.reader import FrameReader
from indexer.decoding.sandbox import decode_clips
from indexer.library import Library
from tests.indexing import count_clips, enqueue, the_video, worker_of

RATE, SECONDS = 25, 4
Options = dict[str, str]


def noise() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 255, (RATE, 96, 160, 3), dtype=np.uint8)


def write_noise(path: Path, options: Options) -> Path:
    """Write 8 s of pictures that take some room, with B-frames between."""
    pictures = noise()
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=Fraction(RATE))
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.thread_count = RATE, 1
        stream.options = {"preset": "veryfast", "bf": "3", "crf": "30"}
        for index in range(RATE * SECONDS):
            frame = av.VideoFrame.from_ndarray(pictures[index % RATE], format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def frames_in(path: Path) -> int:
    """Return how many coded pictures are whole, or of a transport stream there at all."""
    count = 0
    with av.open(str(path)) as container:
        is_streamed = container.format.name == "mpegts"
        try:
            for packet in container.demux(video=0):
                count += packet.size > 0 and (is_streamed or not packet.is_corrupt)
        except av.FFmpegError:
            pass
    return count


@pytest.mark.parametrize(
    ("name", "options", "is_claimed"),
    [
        ("a.mkv", {}, True),
        ("faststart.mp4", {"movflags": "faststart"}, True),
        ("fragmented.mp4", {"movflags": "frag_keyframe+empty_moov"}, False),
        ("a.avi", {}, False),
        ("a.flv", {}, True),
        ("a.ts", {}, False),
        ("a.nut", {}, False),
    ],
)
@pytest.mark.parametrize("keep", [0.3, 0.75])
def test_all_that_a_broken_off_file_holds_is_decoded(
    tmp_path: Path, name: str, options: Options, is_claimed: bool, keep: float
) -> None:
    whole = write_noise(tmp_path / name, options).read_bytes()
    film = tmp_path / f"broken {name}"
    film.write_bytes(whole[: int(len(whole) * keep)])
    reader = FrameReader(film, probe(film))
    times = [timed.time_s for timed in reader]
    assert times == sorted(times)
    assert reader.frames_decoded == frames_in(film)
    assert reader.end_s == pytest.approx(keep * SECONDS, abs=0.6)
    if is_claimed:
        assert reader.warning is not None
        assert f"it claims {SECONDS}." in reader.warning
        assert f" s and {reader.end_s:.1f} s could be decoded" in reader.warning


class BadDisk:
    """A container of which 40 packets can be read."""

    def __init__(self, container: InputContainer) -> None:
        self._container = container

    def __getattr__(self, name: str) -> object:
        return getattr(self._container, name)

    def demux(self, *streams: VideoStream) -> Iterator["Packet[VideoStream]"]:
        yield from islice(self._container.demux(*streams), 40)
        raise av.FFmpegError(5, "Input/output error")


def test_a_disk_that_fails_on_the_way_loses_no_frame_that_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = write_noise(tmp_path / "a.mkv", {})
    found = probe(film)

    @contextmanager
    def open_on_a_bad_disk(path: Path, max_pixels: int) -> Iterator[OpenVideo]:
        with open_video(path, max_pixels) as video:
            yield OpenVideo(cast(InputContainer, BadDisk(video.container)), video.stream)

    monkeypatch.setattr(reader_module, "open_video", open_on_a_bad_disk)
    reader = FrameReader(film, found)
    assert len(list(reader)) == 40  # those that the decoder held back for B-frames, too
    assert reader.warning is not None
    assert "the file breaks off (Input/output error)" in reader.warning


def test_an_mp4_without_its_index_is_refused_in_words(tmp_path: Path) -> None:
    whole = write_noise(tmp_path / "a.mp4", {}).read_bytes()
    (tmp_path / "a.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Exception, match=r"a\.mp4 is not a video in a known container"):
        probe(tmp_path / "a.mp4")


def test_clips_of_a_broken_off_file_end_where_it_does_and_the_summary_says_so(tmp_path: Path) -> None:
    whole = write_noise(tmp_path / "a.mkv", {}).read_bytes()
    (tmp_path / "a.mkv").write_bytes(whole[: len(whole) // 2])
    with decode_clips(tmp_path / "a.mkv", DecodePlan(32, "squash", 4)) as messages:
        told = list(messages)
    clips = [message for message in told if isinstance(message, DecodedClip)]
    summary = told[-1]
    assert isinstance(summary, DecodeSummary)
    assert clips[-1].end_s == summary.decoded_seconds == pytest.approx(SECONDS / 2, abs=0.5)
    assert summary.warning is not None
    assert "it claims 4.0 s" in summary.warning


class Pipe:
    """Takes what is written and cannot go back, as the end of a live stream does."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("wb")

    def write(self, content: bytes) -> int:
        return self._stream.write(content)

    def close(self) -> None:
        self._stream.close()


@pytest.mark.parametrize(("name", "form"), [("live.webm", "webm"), ("live.mkv", "matroska")])
def test_a_recording_that_never_says_how_long_it_is_is_read_to_its_end(
    tmp_path: Path, name: str, form: str
) -> None:
    pipe = Pipe(tmp_path / name)
    codec = "libvpx" if form == "webm" else "libx264"
    with av.open(pipe, "w", format=form, options={"live": "1"}) as container:
        stream = container.add_stream(codec, rate=Fraction(RATE))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(4 * RATE):
            frame = av.VideoFrame.from_ndarray(np.full((96, 160, 3), index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    pipe.close()
    found = probe(tmp_path / name)
    reader = FrameReader(tmp_path / name, found)
    assert len(list(reader)) == 4 * RATE
    assert found.duration_s is None
    assert reader.end_s == pytest.approx(4.0, abs=0.05)
    assert reader.warning is None


def overwrite(content: bytearray) -> None:
    middle = len(content) // 2
    content[middle : middle + 1500] = np.random.default_rng(3).bytes(1500)


def leave_out(content: bytearray) -> None:
    middle = len(content) // 2 // 188 * 188
    del content[middle : middle + 188 * 40]


@pytest.mark.parametrize(("name", "damage"), [("a.mp4", overwrite), ("a.ts", leave_out)])
def test_damage_that_the_decoder_conceals_is_told(
    tmp_path: Path, name: str, damage: Callable[[bytearray], None]
) -> None:
    film = write_noise(tmp_path / name, {})
    content = bytearray(film.read_bytes())
    damage(content)
    film.write_bytes(content)
    reader = FrameReader(film, probe(film))
    times = [timed.time_s for timed in reader]
    assert times[-1] == pytest.approx(SECONDS - 1 / RATE, abs=0.3)
    assert reader.warning is not None
    assert "damage" in reader.warning


def test_what_decoded_of_a_broken_off_file_is_indexed_with_its_seconds_and_a_warning(
    tmp_path: Path, library: Library
) -> None:
    whole = write_noise(tmp_path / "a.mkv", {}).read_bytes()
    (tmp_path / "a.mkv").write_bytes(whole[: len(whole) * 3 // 4])
    enqueue(library, tmp_path / "a.mkv")
    worker_of(library).run_one()
    video = the_video(library)
    assert video.state is VideoState.READY
    assert video.duration_s == pytest.approx(0.75 * SECONDS, abs=0.4)
    assert count_clips(library) >= 1
    assert video.warning is not None
    assert "it claims 4.0 s" in video.warning
