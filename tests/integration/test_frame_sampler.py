"""Evenly timed pictures of a span, judged by grey videos whose shade tells the second."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.decoding.frame_sampler import KEPT_PER_WANTED, FrameSampler
from indexer.decoding.plans import FramePlan
from indexer.decoding.probe import probe
from indexer.decoding.reader import FrameReader
from tests.synthetic_video import (
    BLUE,
    RED,
    flat,
    shade,
    write_oriented,
    write_plain,
    write_variable_rate,
    write_video,
)


def plan(rate: float = 3.0, most: int = 60, start_s: float = 0.0, end_s: float | None = None) -> FramePlan:
    return FramePlan(16, "shortest", rate, most, start_s, end_s)


def pictures_of(path: Path, asked: FramePlan) -> NDArray[np.uint8]:
    reader, sampler = FrameReader(path, probe(path), until_s=asked.until_s), FrameSampler(asked)
    found = [frames for timed in reader for frames in sampler.add(timed)]
    found += sampler.finish(reader.end_s)
    return np.concatenate([one.frames for one in found]) if found else np.empty((0, 16, 16, 3), np.uint8)


def greys(path: Path, asked: FramePlan) -> list[float]:
    return [float(picture.mean()) for picture in pictures_of(path, asked)]


def test_frames_are_those_shown_at_a_constant_rate(tmp_path: Path) -> None:
    found = greys(write_plain(tmp_path / "a.mp4", duration_s=4.0, frame_rate=10.0), plan(rate=3.0))
    # Shown at 1/3 s is the frame of 0.3 s.
    times = [int(index / 3 * 10 + 1e-6) / 10 for index in range(12)]
    np.testing.assert_allclose(found, [shade(time_s) for time_s in times], atol=2)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_video_of_the_same_rate_gives_each_frame_once(tmp_path: Path, name: str) -> None:
    pictures = [(round(index / 3, 3), flat((10 * index,) * 3)) for index in range(24)]
    found = greys(write_video(tmp_path / name, pictures, frame_rate=3.0), plan(rate=3.0))
    np.testing.assert_allclose(found, [10 * index for index in range(24)], atol=4)


def test_a_variable_rate_is_sampled_by_time(tmp_path: Path) -> None:
    found = greys(write_variable_rate(tmp_path / "vfr.mp4"), plan(rate=2.0))
    times = [0, 0.5, *[1.0] * 8, 5.0, 5.5]
    np.testing.assert_allclose(found, [shade(time_s) for time_s in times], atol=3)


def test_a_span_gives_its_own_frames_and_reading_ends_with_it(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mp4", duration_s=8.0, frame_rate=10.0)
    asked = plan(rate=2.0, start_s=2.0, end_s=4.0)
    np.testing.assert_allclose(greys(path, asked), [shade(t) for t in (2.0, 2.5, 3.0, 3.5)], atol=2)
    reader = FrameReader(path, probe(path), until_s=4.0)
    assert sum(1 for _ in reader) == 40
    assert (reader.end_s, reader.warning) == (4.0, None)


def test_a_span_within_one_still_shows_it(tmp_path: Path) -> None:
    pictures = [(0.0, flat(RED)), (5.0, flat(BLUE)), (6.0, flat(BLUE))]
    path = write_video(tmp_path / "slides.mp4", pictures)
    found = pictures_of(path, plan(rate=1.0, start_s=2.0, end_s=4.0))
    assert len(found) == 2
    assert np.abs(found.astype(int) - RED).max() < 12


def test_a_span_after_the_end_gives_nothing(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mp4", duration_s=2.0)
    assert greys(path, plan(start_s=2.5, end_s=4.0)) == []


def test_a_video_of_one_frame_gives_one(tmp_path: Path) -> None:
    assert len(greys(write_video(tmp_path / "one.mp4", [(0.0, flat(RED))]), plan())) == 1


@pytest.mark.parametrize("count", [32, 58, 64, 100, 320])
def test_too_many_are_thinned_evenly_in_bounded_memory(tmp_path: Path, count: int) -> None:
    pictures = [(index / 8, flat((round(20 + 200 * index / count),) * 3)) for index in range(count)]
    path = write_video(tmp_path / "a.mp4", pictures, frame_rate=8.0)
    reader, sampler = FrameReader(path, probe(path)), FrameSampler(plan(rate=8.0, most=4))
    held = 0
    for timed in reader:
        assert list(sampler.add(timed)) == []
        held = max(held, len(sampler._pictures))
    assert held < KEPT_PER_WANTED * 4
    [found] = sampler.finish(reader.end_s)
    shares = (found.frames.mean((1, 2, 3)) - 20) / 200
    np.testing.assert_allclose(shares, [1 / 8, 3 / 8, 5 / 8, 7 / 8], atol=1 / 16 + 0.01)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_frames_are_upright(tmp_path: Path, rotation: int) -> None:
    for picture in pictures_of(write_oriented(tmp_path / "turned.mp4", rotation), plan()):
        assert np.abs(picture[2, 8].astype(int) - RED).max() < 16
        assert np.abs(picture[-3, 8].astype(int) - BLUE).max() < 16
