"""Moments to take away, every field defaulted; and an EDL read back by rules of our own."""

import re
from dataclasses import dataclass

from opentimelineio import opentime

from app.export.frame_rate import exact_rate
from app.export.moments import Moment, MomentList, Source
from app.export.timecode import source_count

EVENT = re.compile(r"(\d{3})  (\S{1,8}) +V     C        (\S{11}) (\S{11}) (\S{11}) (\S{11})")


def make_source(
    frame_rate: float | None = 25.0,
    *,
    filename: str = "film.mp4",
    start_timecode: str | None = None,
    prefers_drop: bool = True,
    number: int = 1,
) -> Source:
    """Return a video of five hours."""
    count, first_frame = source_count(exact_rate(frame_rate), start_timecode, prefers_drop)
    return Source(
        video_id=f"{number:032x}",
        title="A film",
        filename=filename,
        address=f"file:///films/{number}.mp4",
        count=count,
        first_frame=first_frame,
        duration_s=5 * 3600.0,
        recorded_at=None,
    )


def make_list(*moments: Moment, name: str = "a dog") -> MomentList:
    """Return the moments as a list."""
    return MomentList(name, moments)


@dataclass(frozen=True)
class ReadEvent:
    """One event of an EDL, in frames as the library of OpenTimelineIO counts timecode."""

    reel: str
    source: tuple[int, int]
    record: tuple[int, int]


def read_events(edl: bytes, rate: float, record_rate: float | None = None) -> list[ReadEvent]:
    """Return the events of an EDL whose sources all have ``rate`` frames a second."""
    events = []
    for line in edl.decode().split("\r\n"):
        if (found := EVENT.fullmatch(line)) is not None:
            source = tuple(frame_of(found[group], rate) for group in (3, 4))
            record = tuple(frame_of(found[group], record_rate or rate) for group in (5, 6))
            events.append(ReadEvent(found[2], (source[0], source[1]), (record[0], record[1])))
    return events


def frame_of(timecode: str, rate: float) -> int:
    """Return the frame number of a timecode; ``;`` before the frames means that numbers are dropped."""
    frame: float = opentime.from_timecode(timecode, rate).value
    return round(frame)
