"""Whatever a container calls the times of its frames, each has the second at which a player shows it."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from indexer.clip_cutting import cutting
from indexer.decoding.probe import probe
from indexer.decoding.reader import FrameReader
from tests.counted_film import number_of, numbers_shown
from tests.odd_video import write_numbered

RATE = 25
WRAP = Fraction(2**33, 90_000)
"""Seconds after which the clock of a transport stream begins anew."""


def shown(path: Path, from_s: float = 0.0) -> tuple[FrameReader, list[tuple[float, int]]]:
    """Return the reader, and when each frame is shown with its number."""
    reader = FrameReader(path, probe(path), from_s=from_s)
    frames = []
    for timed in reader:
        picture = timed.frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        frames.append((timed.time_s, number_of(picture)))
    return reader, frames


def assert_in_step(frames: list[tuple[float, int]], first: int = 0, rate: int = RATE) -> None:
    numbers = [number for _, number in frames]
    assert numbers == list(range(first, first + len(numbers)))
    np.testing.assert_allclose(
        [time_s for time_s, _ in frames], (np.array(numbers) - first) / rate, atol=0.003
    )


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.ts", "a.flv", "a.nut", "a.avi"])
def test_films_with_b_frames_are_in_step_in_every_container(tmp_path: Path, name: str) -> None:
    reader, frames = shown(write_numbered(tmp_path / name, ticks=None))
    assert_in_step(frames)
    assert len(frames) == 50
    assert reader.end_s == pytest.approx(2.0, abs=0.001)
    assert reader.warning is None


@pytest.mark.parametrize("codec", ["mpeg4", "libx264", "mpeg2video"])
def test_an_avi_with_b_frames_is_in_step_though_it_numbers_frames_as_they_are_decoded(
    tmp_path: Path, codec: str
) -> None:
    film = write_numbered(tmp_path / "film.avi", 100, codec=codec, ticks=None)
    _, frames = shown(film)
    assert_in_step(frames)
    assert len(frames) == 100


@pytest.mark.parametrize(("name", "codec"), [("raw.h264", "libx264"), ("raw.hevc", "libx265")])
def test_raw_streams_run_at_the_rate_that_the_codec_tells(tmp_path: Path, name: str, codec: str) -> None:
    form = {"libx264": "h264", "libx265": "hevc"}[codec]
    film = write_numbered(tmp_path / name, rate=10, codec=codec, format=form, ticks=None)
    assert probe(film).duration_s is None
    assert probe(film).frame_rate == 10.0
    _, frames = shown(film)
    assert_in_step(frames, rate=10)


@pytest.mark.parametrize(
    ("name", "start_s"),
    [("late.ts", Fraction(5000)), ("wrapping.ts", WRAP - 1), ("negative.nut", Fraction(-1, 2))],
)
def test_the_clock_of_the_container_may_begin_anywhere(tmp_path: Path, name: str, start_s: Fraction) -> None:
    reader, frames = shown(write_numbered(tmp_path / name, start_s=start_s))
    assert_in_step(frames)
    assert reader.end_s == pytest.approx(2.0, abs=0.001)


def test_negative_times_in_matroska_are_kept(tmp_path: Path) -> None:
    film = write_numbered(
        tmp_path / "film.mkv", start_s=Fraction(-1, 2), options=[("avoid_negative_ts", "disabled")]
    )
    _, frames = shown(film)
    assert_in_step(frames)


def test_what_an_edit_list_leaves_out_is_not_shown(tmp_path: Path) -> None:
    film = write_numbered(
        tmp_path / "film.mp4", start_s=Fraction(-1, 2), options=[("avoid_negative_ts", "disabled")]
    )
    reader, frames = shown(film)
    assert_in_step(frames, first=13)  # number 12 is at -0.02 s
    assert reader.end_s == pytest.approx(1.48, abs=0.001)


def test_negative_composition_offsets_are_understood(tmp_path: Path) -> None:
    _, frames = shown(write_numbered(tmp_path / "a.mp4", options=[("movflags", "negative_cts_offsets")]))
    assert_in_step(frames)


def test_fragments_are_in_step(tmp_path: Path) -> None:
    flags = "frag_keyframe+empty_moov+default_base_moof"
    _, frames = shown(write_numbered(tmp_path / "film.mp4", options=[("movflags", flags)]))
    assert_in_step(frames)


@pytest.mark.parametrize(("suffix", "run_up_s"), [("mp4", 0.0), ("mkv", 0.021), ("ts", 0.021)])
def test_second_0_is_where_the_sound_begins_when_the_picture_comes_later(
    tmp_path: Path, suffix: str, run_up_s: float
) -> None:
    film = write_numbered(tmp_path / f"film.{suffix}", start_s=Fraction(1), has_sound=True)
    reader, frames = shown(film)
    assert frames[0] == (0.0, 0)  # a player shows the first picture until the second one comes
    assert frames[1][0] == pytest.approx(1.04, abs=run_up_s + 0.003)
    assert reader.end_s == pytest.approx(3.0, abs=run_up_s + 0.003)
    assert probe(film).duration_s == pytest.approx(3.0, abs=0.05)
    assert reader.warning is None


def test_a_picture_that_comes_later_than_the_sound_is_cut_where_a_player_shows_it(tmp_path: Path) -> None:
    film = write_numbered(tmp_path / "film.mp4", start_s=Fraction(1), has_sound=True)
    with cutting(film, 0.5, 1.5, tmp_path / "cuts") as cut:
        frames = numbers_shown(cut.wait())
    assert frames[0] == (0.0, 0)
    assert [number for _, number in frames] == list(range(13))
    assert [frames[1][0], frames[-1][0]] == pytest.approx([0.54, 0.98], abs=0.003)


LATER = [(name, 0) for name in ("a.mp4", "a.mkv", "a.ts", "a.flv", "a.nut", "a.avi")]
SOUND_FIRST = [(name, 1) for name in ("a.mp4", "a.mkv", "a.ts")]


@pytest.mark.parametrize(("name", "lead_s"), [*LATER, *SOUND_FIRST])
def test_reading_from_a_later_second_gives_the_same_frames_at_the_same_times(
    tmp_path: Path, name: str, lead_s: int
) -> None:
    film = write_numbered(tmp_path / name, 150, ticks=None, start_s=Fraction(lead_s), has_sound=lead_s > 0)
    whole_reader, whole = shown(film)
    for from_s in (3.5, 4.5, 5.98):
        reader, frames = shown(film, from_s)
        assert len(frames) < len(whole)  # what lies before is not decoded, in whatever container
        assert frames[0][0] <= from_s
        assert [number for _, number in frames] == [number for _, number in whole[-len(frames) :]]
        np.testing.assert_allclose(
            [time_s for time_s, _ in frames], [time_s for time_s, _ in whole[-len(frames) :]], atol=1e-6
        )
        assert reader.end_s == pytest.approx(whole_reader.end_s, abs=1e-6)


def test_joined_streams_are_read_from_their_beginning_as_their_times_jump(tmp_path: Path) -> None:
    first = write_numbered(tmp_path / "a.ts", 100, start_s=Fraction(500)).read_bytes()
    second = write_numbered(tmp_path / "b.ts", 100).read_bytes()
    (tmp_path / "joined.ts").write_bytes(first + second)
    _, whole = shown(tmp_path / "joined.ts")
    _, frames = shown(tmp_path / "joined.ts", 6.0)
    assert frames == whole
    assert [number for _, number in whole] == [*range(100), *range(100)]
