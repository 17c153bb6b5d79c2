"""Timecode ``HH:MM:SS:FF`` (SMPTE ST 12-1): frame numbers as editors read them.

Drop frame, for 29.97 and 59.94, leaves out numbers, never pictures: 2 (or 4) at the beginning of each minute
but every tenth, so that the timecode keeps up with the clock. It is written with ``;`` before the frames.
"""

import re
from dataclasses import dataclass

from app.export.frame_rate import FrameRate

WRITTEN = re.compile(r"(\d{2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")

HOURS = 24
"""Timecode is a clock: it begins anew after a day."""


@dataclass(frozen=True)
class TimecodeCount:
    """A way of writing frame numbers: a rate, with numbers dropped or not."""

    rate: FrameRate
    is_drop: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError where drop frame is not defined."""
        if self.is_drop and not self.rate.can_drop:
            raise ValueError(f"drop frame is defined for 29.97 and 59.94 only, not for {self.rate.value}")

    def write(self, frame: int) -> str:
        """Return the timecode of frame number ``frame``; that of the day before for a negative one."""
        base = self.rate.timebase
        number = self._with_dropped(frame % self._frames_of_day)
        seconds, frames = divmod(number, base)
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        digits = 3 if base > 100 else 2
        return f"{hour:02}:{minute:02}:{second:02}{';' if self.is_drop else ':'}{frames:0{digits}}"

    def read(self, timecode: str) -> int:
        """Return the frame number of ``timecode``; raises ValueError for none of this rate."""
        found = WRITTEN.fullmatch(timecode)
        if found is None:
            raise ValueError(f"{timecode!r} is no timecode: write HH:MM:SS:FF")
        hour, minute, second, frames = (int(found[group]) for group in (1, 2, 3, 5))
        if hour >= HOURS or minute >= 60 or second >= 60 or frames >= self.rate.timebase:
            raise ValueError(f"{timecode!r} is no timecode at {self.rate.value} frames a second")
        minutes = 60 * hour + minute
        number = (60 * minutes + second) * self.rate.timebase + frames
        return number - self._dropped_each_minute * (minutes - minutes // 10)

    @property
    def _dropped_each_minute(self) -> int:
        return self.rate.timebase // 15 if self.is_drop else 0

    @property
    def _frames_of_day(self) -> int:
        minutes = HOURS * 60
        return minutes * 60 * self.rate.timebase - self._dropped_each_minute * (minutes - minutes // 10)

    def _with_dropped(self, frame: int) -> int:
        """Return ``frame`` raised by the numbers that were left out before it."""
        dropped = self._dropped_each_minute
        minute = 60 * self.rate.timebase - dropped
        ten_minutes = 10 * minute + dropped
        tens, rest = divmod(frame, ten_minutes)
        ones = max(0, rest - dropped) // minute
        return frame + dropped * (9 * tens + ones)


def source_count(
    rate: FrameRate, start_timecode: str | None, prefers_drop: bool
) -> tuple[TimecodeCount, int]:
    """Return how a video's frames are counted and the number of its first frame.

    Its own ``start_timecode`` decides; without one, or with one that its rate cannot have, frames count
    from zero, dropped where that is defined and preferred.
    """
    if start_timecode is not None:
        is_drop = rate.can_drop and ":" not in start_timecode[8:9]
        count = TimecodeCount(rate, is_drop)
        try:
            return count, count.read(start_timecode)
        except ValueError:
            pass  # a damaged timecode track, or one that counts another rate
    return TimecodeCount(rate, rate.can_drop and prefers_drop), 0
