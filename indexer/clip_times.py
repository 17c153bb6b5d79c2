"""At which seconds of a video indexing looks."""

from dataclasses import dataclass

PICTURES_PER_S = 6.0
"""Pictures a second that suffice to tell cuts, and to show each twelfth of a 2 s clip."""

ROUNDING_S = 1e-6
"""Times are sums and differences of floats: 7.52 - 5.52 is a little less than 2."""


@dataclass(frozen=True)
class Span:
    """A clip's bounds in seconds."""

    start_s: float
    end_s: float


def picture_slot(time_s: float) -> int:
    """Return in which slot of ``PICTURES_PER_S`` a second lies: the first frame of each is looked at."""
    return int(time_s * PICTURES_PER_S + ROUNDING_S)


def sample_times(span: Span, count: int) -> list[float]:
    """Return the middles, in seconds, of `count` equal parts of the clip."""
    part_s = (span.end_s - span.start_s) / count
    return [span.start_s + (index + 0.5) * part_s for index in range(count)]
