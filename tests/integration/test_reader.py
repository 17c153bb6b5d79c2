"""Frames come once, in order, with the second they are shown at; what is damaged is passed over."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from indexer.decoding.pictures import PictureScaler
from indexer.decoding.probe import probe
from indexer.decoding.reader import FrameReader
from indexer.errors import NoFrames
from tests.synthetic_video import (
    RED,
    flat,
    shade,
    write_corrupt,
    write_plain,
    write_truncated,
    write_two_scenes,
    write_variable_rate,
    write_video,
)


def read(path: Path) -> tuple[FrameReader, list[float], list[int]]:
    """Return the reader, the seconds of the frames, and the mean grey of each."""
    reader, scaler = FrameReader(path, probe(path)), PictureScaler()
    times, greys = [], []
    for timed in reader:
        times.append(timed.time_s)
        greys.append(int(scaler.model_input(timed.frame, 16, "squash").mean()))
    return reader, times, greys


def assert_shades(greys: Sequence[int], times: Sequence[float]) -> None:
    np.testing.assert_allclose(greys, [shade(time_s) for time_s in times], atol=4)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.ts", "a.flv"])
def test_each_frame_is_read_once_at_its_time_in_every_container(tmp_path: Path, name: str) -> None:
    reader, times, greys = read(write_plain(tmp_path / name, duration_s=3.0, frame_rate=10.0))
    assert reader.frames_decoded == 30
    np.testing.assert_allclose(times, np.arange(30) / 10, atol=0.002)
    assert_shades(greys, times)
    assert reader.end_s == pytest.approx(3.0, abs=0.11)
    assert reader.warning is None


def test_ten_bit_pictures_are_read_in_the_right_shade(tmp_path: Path) -> None:
    _, times, greys = read(write_plain(tmp_path / "a.mp4", 1.0, codec="libx265"))
    assert_shades(greys, times)


def test_a_variable_rate_keeps_its_presentation_times(tmp_path: Path) -> None:
    reader, times, greys = read(write_variable_rate(tmp_path / "vfr.mp4"))
    np.testing.assert_allclose(times[:20], np.arange(20) / 20, atol=0.002)
    np.testing.assert_allclose(times[20:22], [1.0, 5.0], atol=0.002)
    assert_shades(greys, times)
    assert reader.end_s == pytest.approx(6.0, abs=0.05)


def test_a_stream_without_times_follows_its_frame_rate(tmp_path: Path) -> None:
    reader, times, _ = read(write_plain(tmp_path / "raw.h264", duration_s=1.0, frame_rate=10.0))
    assert reader.frames_decoded == 10
    assert np.ptp(np.diff(times)) < 1e-6
    assert times[0] == 0.0


def test_a_stream_that_starts_late_starts_at_zero(tmp_path: Path) -> None:
    pictures = [(5.0 + index / 10, flat(RED)) for index in range(10)]
    _, times, _ = read(write_video(tmp_path / "late.mkv", pictures))
    assert times[0] == 0.0
    assert times[-1] == pytest.approx(0.9, abs=0.002)


def test_joined_streams_are_read_on(tmp_path: Path) -> None:
    first = write_plain(tmp_path / "a.ts", 2.0).read_bytes()
    second = write_two_scenes(tmp_path / "b.ts", duration_s=2.0, frame_rate=10.0).read_bytes()
    (tmp_path / "joined.ts").write_bytes(first + second)
    reader, times, _ = read(tmp_path / "joined.ts")
    assert reader.frames_decoded == 40
    assert times == sorted(times)
    assert reader.end_s == pytest.approx(4.0, abs=0.3)


def test_a_truncated_file_gives_what_it_holds_with_a_warning(tmp_path: Path) -> None:
    reader, _, _ = read(write_truncated(tmp_path / "cut.mkv", keep=0.6))
    assert 15 <= reader.frames_decoded < 40
    assert reader.warning is not None
    assert "claims 4.0 s" in reader.warning


def test_a_damaged_middle_does_not_end_the_reading(tmp_path: Path) -> None:
    reader, times, _ = read(write_corrupt(tmp_path / "hurt.mp4"))
    assert 20 <= reader.frames_decoded < 40
    assert times[-1] > 3.5
    assert reader.warning is not None
    assert "damaged packets passed over" in reader.warning


def test_a_stream_of_which_nothing_decodes_is_refused(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mp4", 1.0)
    found = probe(path)
    whole = bytearray(path.read_bytes())
    start, end = whole.find(b"mdat") + 4, whole.find(b"moov") - 4
    whole[start:end] = bytes(end - start)
    path.write_bytes(whole)
    with pytest.raises(NoFrames, match=r"a\.mp4 .*not one frame"):
        list(FrameReader(path, found))


def test_pictures_that_outgrow_the_limit_are_not_decoded(tmp_path: Path) -> None:
    small = write_plain(tmp_path / "small.ts", 1.0)
    large = [(index / 10, flat(RED, width=640, height=384)) for index in range(10)]
    grown = tmp_path / "grown.ts"
    grown.write_bytes(small.read_bytes() + write_video(tmp_path / "large.ts", large).read_bytes())
    reader = FrameReader(grown, probe(small), max_pixels=200 * 128)
    assert {(timed.frame.width, timed.frame.height) for timed in reader} == {(160, 96)}
    assert reader.warning is not None
