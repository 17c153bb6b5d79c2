"""From the container's time stamps to seconds that never run backwards.

Second 0 is where a player begins: with the first picture, or with the sound where that comes first; the
first picture then stands from second 0 on. Odd streams are carried on: raw H.264 has no stamps at all, some
are ordered wrongly by a few frames, joined transport streams start again from an earlier time, and a damaged
stamp may lie years ahead.
"""

from fractions import Fraction

MAX_REORDER_S = 1.0
"""A stamp this little behind is a wrongly ordered frame, shown with the one before; more is a new start."""

MAX_STILL_S = 3600.0
"""A frame may be shown this long (slides, screen recordings); a larger step is damage, not time."""

DEFAULT_FRAME_S = 0.04
"""How long a frame is shown when neither it nor the stream says."""

MIN_LEAD_S, MAX_LEAD_S = 0.1, 60.0
"""How far ahead of the picture sound may begin: less is an encoder's run-up, more is damage."""


def beginning_s(first_picture_s: float, first_sound_s: float | None) -> float:
    """Return the second of the container that a player calls 0."""
    if first_sound_s is not None and MIN_LEAD_S < first_picture_s - first_sound_s <= MAX_LEAD_S:
        return first_sound_s
    return first_picture_s


class PresentationClock:
    """Turns the stamps of successive frames into seconds since the beginning, never decreasing."""

    def __init__(
        self, time_base: Fraction | None, frame_rate: float | None, first_sound_s: float | None = None
    ) -> None:
        """Take the time base (seconds a tick), the average rate (frames a second), and when sound begins."""
        self._time_base = time_base
        self._frame_s = 1 / frame_rate if frame_rate and 1 <= frame_rate <= 1000 else DEFAULT_FRAME_S
        self._first_sound_s = first_sound_s
        self._offset_s: float | None = None
        self._last_s = 0.0
        self._last_frame_s = 0.0
        self._lead_s = 0.0
        """How long the last frame was shown before its own time, as the first one is while there is sound."""

    def resume(self, first_stamp: int, at_stamp: int) -> None:
        """Go on at the frame with `at_stamp`, where the video's first frame has `first_stamp`."""
        if self._time_base is None:
            raise ValueError("the stream has no time base: read it from its beginning")
        self._offset_s = beginning_s(float(first_stamp * self._time_base), self._first_sound_s)
        self._last_s = float(at_stamp * self._time_base) - self._offset_s

    def time_s(self, stamp: int | None, duration: int | None) -> float:
        """Return the second at which the frame with `stamp` and `duration` (in ticks) is first shown."""
        self._lead_s = 0.0
        self._last_s = self._next_time_s(stamp)
        self._last_frame_s = self._shown_s(duration) + self._lead_s
        return self._last_s

    def shown_at_s(self, container_s: float) -> float | None:
        """Return where the container's second lies on this clock; None before the first stamp."""
        return None if self._offset_s is None else container_s - self._offset_s

    @property
    def end_s(self) -> float:
        """The second at which the last frame ceases to be shown."""
        return self._last_s + self._last_frame_s

    def _next_time_s(self, stamp: int | None) -> float:
        if stamp is None or self._time_base is None:
            return self.end_s
        clock_s = float(stamp * self._time_base)
        if self._offset_s is None:
            self._begin(clock_s)
            return self.end_s
        step_s = clock_s - self._offset_s - self._last_s
        if -MAX_REORDER_S <= step_s <= MAX_STILL_S:
            return self._last_s + max(0.0, step_s)
        self._offset_s = clock_s - self.end_s
        return self.end_s

    def _begin(self, clock_s: float) -> None:
        """Take the first stamp; frames without one may have been shown before."""
        zero_s = clock_s if self.end_s else beginning_s(clock_s, self._first_sound_s)
        self._lead_s = clock_s - zero_s
        self._offset_s = zero_s - self.end_s

    def _shown_s(self, duration: int | None) -> float:
        shown_s = float(duration * self._time_base) if duration and self._time_base else self._frame_s
        return shown_s if 0 < shown_s <= MAX_STILL_S else self._frame_s
