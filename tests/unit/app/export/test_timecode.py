"""Timecode, held to the library of OpenTimelineIO and to counting by hand."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentimelineio import opentime

from app.export.frame_rate import EDITING, FrameRate
from app.export.timecode import TimecodeCount, source_count

NTSC = FrameRate(Fraction(30000, 1001))
NTSC_DOUBLE = FrameRate(Fraction(60000, 1001))
PAL = FrameRate(Fraction(25))
DAY_S = 24 * 3600

COUNTS = [TimecodeCount(FrameRate(value)) for value in EDITING]
COUNTS += [TimecodeCount(rate, is_drop=True) for rate in (NTSC, NTSC_DOUBLE)]


def labels_by_hand(base: int, dropped: int) -> Iterator[str]:
    """Yield drop-frame labels in order, leaving out the first ones of every minute but each tenth."""
    for minute in range(24 * 60):
        for second in range(60):
            for frame in range(base):
                if minute % 10 and second == 0 and frame < dropped:
                    continue
                yield f"{minute // 60:02}:{minute % 60:02}:{second:02};{frame:02}"


@pytest.mark.parametrize(("rate", "base", "dropped"), [(NTSC, 30, 2), (NTSC_DOUBLE, 60, 4)])
def test_drop_frame_leaves_out_the_numbers_that_counting_by_hand_does(
    rate: FrameRate, base: int, dropped: int
) -> None:
    count = TimecodeCount(rate, is_drop=True)
    by_hand = list(islice(labels_by_hand(base, dropped), 21 * 60 * base))
    assert [count.write(frame) for frame in range(len(by_hand))] == by_hand
    assert [count.read(label) for label in by_hand[::97]] == list(range(0, len(by_hand), 97))


@given(st.sampled_from(COUNTS), st.integers(0, 23 * 3600 * 24))
def test_timecode_is_what_opentimelineio_writes(count: TimecodeCount, frame: int) -> None:
    rate = float(count.rate.value)
    time = opentime.RationalTime(frame, rate)
    assert count.write(frame) == opentime.to_timecode(time, rate, drop_frame=count.is_drop)


@given(st.sampled_from(COUNTS), st.integers(0, DAY_S * 23))
def test_timecode_read_back_is_the_frame_that_was_written(count: TimecodeCount, frame: int) -> None:
    assert count.read(count.write(frame)) == frame


@given(st.sampled_from([NTSC, NTSC_DOUBLE]), st.integers(0, DAY_S - 1))
def test_drop_frame_keeps_up_with_the_clock(rate: FrameRate, second: int) -> None:
    written = TimecodeCount(rate, is_drop=True).write(rate.frame_at(float(second)))
    hours, minutes, rest = written.split(":")
    seconds, frames = rest.split(";")
    shown = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(frames) / rate.timebase
    assert abs(shown - second) < 0.12  # two frames a minute, and 86 ms a day that drop frame leaves


def test_timecode_begins_anew_after_a_day() -> None:
    assert TimecodeCount(PAL).write(DAY_S * 25 + 3) == "00:00:00:03"


@pytest.mark.parametrize(
    "written", ["", "1:2:3:4", "00:00:00:25", "24:00:00:00", "00:60:00:00", "00:00:60:00"]
)
def test_what_is_no_timecode_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no timecode"):
        TimecodeCount(PAL).read(written)


def test_drop_frame_at_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="only, not for 25"):
        TimecodeCount(PAL, is_drop=True)


@pytest.mark.parametrize(
    ("rate", "written", "prefers_drop", "is_drop", "first"),
    [
        (NTSC, None, True, True, 0),
        (NTSC, None, False, False, 0),
        (NTSC, "01:00:00;00", False, True, 107_892),
        (NTSC, "01:00:00:00", True, False, 108_000),
        (PAL, "10:00:00:05", True, False, 900_005),
        (PAL, "10:00:00:29", True, False, 0),  # counts another rate
        (PAL, "nonsense", True, False, 0),
    ],
)
def test_the_videos_own_timecode_decides_how_its_frames_are_counted(
    rate: FrameRate, written: str | None, prefers_drop: bool, is_drop: bool, first: int
) -> None:
    assert source_count(rate, written, prefers_drop) == (TimecodeCount(rate, is_drop), first)
