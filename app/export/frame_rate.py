"""The exact frame rate behind the catalog's rounded one.

Television's rates are fractions: 29.97 stands for 30000/1001. Counting with the rounded number is a frame
wrong after 16 minutes (SMPTE ST 12-1).
"""

import math
from dataclasses import dataclass
from fractions import Fraction

SLOWED = tuple(Fraction(1000 * base, 1001) for base in (24, 30, 48, 60, 90, 120, 240))
"""The rates of NTSC and its multiples."""

EDITING = (*SLOWED[:2], SLOWED[3], *(Fraction(base) for base in (24, 25, 30, 48, 50, 60)))
"""What editors offer for a timeline."""

MAX_RATE = 240
"""Timecode of this service counts at most so many frames a second."""

TOLERANCE = 3e-4
"""Containers average over rounded times; 29.97 and 30 differ by three times as much."""


@dataclass(frozen=True)
class FrameRate:
    """Frames a second at which frames are counted."""

    value: Fraction
    is_constant: bool = True
    """False where the video's frames are not evenly spaced, or its rate is not known: ``value`` is then the
    nearest rate that editors know, and times are exact to half a frame of it, as always."""

    @property
    def timebase(self) -> int:
        """Return the frames that timecode counts to a second: 30 for 29.97."""
        return math.ceil(self.value)

    @property
    def can_drop(self) -> bool:
        """Return whether drop-frame timecode is defined for this rate: 29.97 and 59.94 only."""
        return self.value in (SLOWED[1], SLOWED[3])

    def frame_at(self, seconds: float) -> int:
        """Return the number of the frame boundary nearest to ``seconds``, 0 being the video's start.

        Where one moment ends another begins, with the same number: none overlaps, none loses a frame.
        """
        return math.floor(Fraction(seconds) * self.value + Fraction(1, 2))

    def seconds(self, frames: int) -> float:
        """Return how long ``frames`` last."""
        return float(frames / self.value)


def exact_rate(average: float | None) -> FrameRate:
    """Return the rate of a video whose container says ``average`` frames a second, or nothing."""
    if average is None or not math.isfinite(average) or average <= 0:
        return FrameRate(Fraction(25), is_constant=False)
    known = min((*SLOWED, *_whole(average)), key=lambda rate: abs(float(rate) - average))
    if abs(float(known) - average) <= TOLERANCE * average:
        return FrameRate(known)
    return FrameRate(min(EDITING, key=lambda rate: abs(math.log(rate / average))), is_constant=False)


def _whole(average: float) -> tuple[Fraction, ...]:
    return (Fraction(min(max(round(average), 1), MAX_RATE)),)
