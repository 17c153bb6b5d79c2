"""Moments cut out of films whose frames carry their number and whose sound beeps at known seconds."""

import os
import random
from fractions import Fraction
from pathlib import Path

import av
import pytest

from indexer import clip_cutting
from indexer.clip_cutting import cutting
from indexer.decoding.clip_cutter import ClipCutter
from indexer.decoding.plans import CutPlan
from indexer.decoding.probe import probe
from indexer.decoding.reader import FrameReader
from indexer.errors import (
    DecoderCrashed,
    DiskFull,
    FileTooLarge,
    IndexingError,
    MediaMissing,
    NoFrames,
    NotAVideo,
)
from tests.counted_film import BITS, HEIGHT, SQUARE, Film, beeps_heard, numbers_shown, steady, write_film
from tests.synthetic_video import write_not_a_video, write_plain, write_truncated

NTSC = Fraction(30000, 1001)


def cut(path: Path, start_s: float, end_s: float, max_bytes: int = clip_cutting.MAX_CUT_BYTES) -> Path:
    """Return a copy of the cut, having seen that nothing else is left."""
    folder = path.parent / "cuts"
    copy = path.parent / f"cut of {path.stem}.mp4"
    with cutting(path, start_s, end_s, folder, max_bytes) as made:
        copy.write_bytes(made.wait().read_bytes())
    assert list(folder.iterdir()) == []
    return copy


def numbers(path: Path) -> list[int]:
    return [number for _, number in numbers_shown(path)]


def duration_s(path: Path) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        return float(stream.duration * stream.time_base)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
def test_first_and_last_frame_are_those_that_were_asked_for(tmp_path: Path, suffix: str) -> None:
    rate = Fraction(25) if suffix == "avi" else NTSC
    film = write_film(tmp_path / f"film.{suffix}", steady(rate, 12))
    clip = cut(film, float(130 / rate), float(221 / rate))
    assert numbers(clip) == list(range(130, 221))
    assert numbers_shown(clip)[0][0] == 0
    assert duration_s(clip) == pytest.approx(float(91 / rate), abs=2e-3)


def test_rounded_seconds_mean_the_frame_and_times_are_kept_exactly(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", steady(NTSC, 4))
    clip = cut(film, round(float(31 / NTSC), 3), round(float(62 / NTSC), 3))
    shown = numbers_shown(clip)
    assert [number for _, number in shown] == list(range(31, 62))
    assert [time for time, _ in shown] == pytest.approx([float(n / NTSC) for n in range(31)], abs=6e-4)


def test_a_cut_inside_a_frame_begins_with_the_frame_on_the_screen(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", steady(Fraction(10), 4))
    clip = cut(film, 1.05, 2.04)
    assert numbers(clip) == list(range(10, 21))
    assert duration_s(clip) == pytest.approx(0.99, abs=1e-3)


def test_frames_at_a_variable_rate_keep_their_times(tmp_path: Path) -> None:
    times = [Fraction(n, 20) for n in range(20)] + [Fraction(1)] + [5 + Fraction(n, 10) for n in range(10)]
    film = write_film(tmp_path / "film.mp4", Film(times, Fraction(6)))
    clip = cut(film, 0.9, 5.35)
    expected = [(0.0, 18), (0.05, 19), (0.1, 20), (4.1, 21), (4.2, 22), (4.3, 23), (4.4, 24)]
    shown = numbers_shown(clip)
    assert [number for _, number in shown] == [number for _, number in expected]
    assert [time for time, _ in shown] == pytest.approx([time for time, _ in expected], abs=1e-3)
    assert duration_s(clip) == pytest.approx(4.45, abs=2e-3)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_film_is_cut_upright(tmp_path: Path, rotation: int) -> None:
    film = write_film(tmp_path / "film.mp4", steady(Fraction(10), 2, rotation=rotation))
    clip = cut(film, 0.5, 1.5)
    assert numbers(clip) == list(range(5, 15))
    with av.open(str(clip)) as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height, frame.rotation) == (SQUARE * BITS, HEIGHT, 0)


def test_pixels_become_square(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", steady(Fraction(10), 2, pixel_aspect=Fraction(4, 3)))
    clip = cut(film, 0.5, 1.5)
    assert numbers(clip) == list(range(5, 15))
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (214, HEIGHT)
        assert stream.sample_aspect_ratio in (None, 0, 1)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_sound_stays_with_the_pictures(tmp_path: Path, suffix: str) -> None:
    beeps = [0.5, 3.0, 4.25, 6.0, 7.75]
    film = write_film(tmp_path / f"film.{suffix}", steady(NTSC, 9, beeps=beeps))
    clip = cut(film, float(85 / NTSC), float(200 / NTSC))
    start_s = float(85 / NTSC)
    assert beeps_heard(clip) == pytest.approx([beep - start_s for beep in (3.0, 4.25, 6.0)], abs=0.012)
    assert numbers(clip) == list(range(85, 200))


@pytest.mark.parametrize("sound_rate", [16_000, 44_100])
def test_sound_of_another_rate_stays_with_the_pictures(tmp_path: Path, sound_rate: int) -> None:
    film = write_film(tmp_path / "film.mp4", steady(Fraction(25), 5, beeps=[1.5, 3.5], sound_rate=sound_rate))
    assert beeps_heard(cut(film, 1.0, 4.0)) == pytest.approx([0.5, 2.5], abs=0.012)


def test_sound_that_begins_late_stays_late(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", steady(Fraction(25), 4, beeps=[2.5], sound_start=2.0))
    assert beeps_heard(cut(film, 1.0, 3.0)) == pytest.approx([1.5], abs=0.012)


def test_sound_longer_than_the_pictures_ends_with_the_span(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", steady(Fraction(25), 3, beeps=[0.5, 2.5, 4.5], sound_end=6.0))
    clip = cut(film, 2.0, 3.0)
    assert beeps_heard(clip) == pytest.approx([0.5], abs=0.012)
    with av.open(str(clip)) as container:
        assert container.duration is not None
        assert container.duration / av.time_base == pytest.approx(1.0, abs=0.03)


def test_sound_shorter_than_the_pictures_stops(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", steady(Fraction(25), 6, beeps=[1.0], sound_end=2.0))
    with av.open(str(cut(film, 3.0, 5.0))) as container:
        assert not container.streams.audio
    assert beeps_heard(cut(film, 0.5, 5.0)) == pytest.approx([0.5], abs=0.012)


def test_a_film_without_sound_has_a_clip_without(tmp_path: Path) -> None:
    with av.open(str(cut(write_plain(tmp_path / "film.mp4"), 0.5, 1.5))) as container:
        assert not container.streams.audio
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")


def test_a_clip_plays_before_it_has_arrived(tmp_path: Path) -> None:
    content = cut(write_plain(tmp_path / "film.mp4"), 0.0, 3.0).read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_a_damaged_film_gives_what_there_is(tmp_path: Path) -> None:
    film = write_truncated(tmp_path / "film.mkv")
    clip = cut(film, 1.0, 4.0)
    assert 0.5 < duration_s(clip) < 2.0
    with pytest.raises(NoFrames, match=r"shows nothing from 3\.5 to 4 s"):
        cut(film, 3.5, 4.0)


@pytest.mark.parametrize("span", [(1.0, 1.0 + 1e-7), (1.05, 1.05 + 1e-7), (0.0, 1e-12)])
def test_a_span_too_short_to_show_anything_is_refused(tmp_path: Path, span: tuple[float, float]) -> None:
    film = write_film(tmp_path / "film.mp4", steady(Fraction(10), 2))
    with pytest.raises(NoFrames, match="shows nothing"):
        cut(film, *span)


def test_a_damaged_index_is_told_without_a_traceback(tmp_path: Path) -> None:
    content = bytearray(write_film(tmp_path / "film.mp4", steady(Fraction(10), 3)).read_bytes())
    damage = random.Random(0)
    for _ in range(60):
        content[damage.randrange(len(content))] = damage.randrange(256)
    (tmp_path / "film.mp4").write_bytes(content)
    with pytest.raises(IndexingError) as raised:
        cut(tmp_path / "film.mp4", 0.5, 2.5)
    assert ".py" not in str(raised.value)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAVideo):
        cut(write_not_a_video(tmp_path / "film.mp4"), 0.0, 1.0)
    with pytest.raises(MediaMissing):
        cut(tmp_path / "gone.mp4", 0.0, 1.0)


def test_a_clip_that_grows_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileTooLarge, match="more than 4000 bytes"):
        cut(write_film(tmp_path / "film.mp4", steady(Fraction(25), 8)), 0.0, 8.0, max_bytes=4000)


def test_a_disk_that_becomes_full_is_told(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", steady(Fraction(25), 8))
    full = tmp_path / "full.mp4"
    full.symlink_to("/dev/full")
    plan = CutPlan(str(full), 0.0, 8.0, clip_cutting.MAX_CUT_BYTES, *clip_cutting.CUT_SIZE_PX)
    cutter = ClipCutter(plan, film, probe(film))
    reader = FrameReader(film, probe(film))
    with pytest.raises(DiskFull, match=r"disk became full while film\.mp4 was cut"):
        for timed in reader:
            list(cutter.add(timed))
        list(cutter.finish(reader.end_s))


@pytest.mark.parametrize(("start_s", "end_s"), [(-1.0, 1.0), (1.0, 1.0), (2.0, 1.0), (0.0, 601.0)])
def test_a_span_that_is_none_is_refused(tmp_path: Path, start_s: float, end_s: float) -> None:
    with pytest.raises(ValueError, match="a cut from"):
        cut(tmp_path / "film.mp4", start_s, end_s)


def test_a_stopped_cut_leaves_neither_process_nor_file(tmp_path: Path) -> None:
    film = write_plain(tmp_path / "film.mp4", duration_s=100.0)
    folder = tmp_path / "cuts"
    with cutting(film, 0.0, 100.0, folder) as made:
        assert len(list(folder.iterdir())) == 1
        made.stop()
        with pytest.raises(DecoderCrashed, match="SIGKILL"):
            made.wait()
        made.stop()
    assert list(folder.iterdir()) == []


def test_files_that_a_dead_service_left_are_swept(tmp_path: Path) -> None:
    folder = tmp_path / "cuts"
    folder.mkdir()
    left = folder / ".partial-1"
    left.write_bytes(b"half a clip")
    os.utime(left, (0, 0))
    cut(write_plain(tmp_path / "film.mp4"), 0.0, 1.0)
    assert not left.exists()
