"""From the container's presentation times to seconds that never run backwards.

Times are `pts * time_base - start`, the first shown frame being second 0. Odd streams are carried on:
raw H.264 has no pts at all, AVI with B-frames orders them wrongly by a few frames, joined transport
streams start again from an earlier time, and a damaged pts may lie years ahead.
"""

from fractions import Fraction

MAX_REORDER_S = 1.0
"""A pts this little behind is a wrongly ordered frame, shown with the one before; further is a new start."""

MAX_STILL_S = 3600.0
"""A frame may be shown this long (slides, screen recordings); a larger step is damage, not time."""

DEFAULT_FRAME_S = 0.04
"""How long a frame is shown when neither it nor the stream says."""


class PresentationClock:
    """Turns the pts of successive frames into seconds since the first of them, never decreasing."""

    def __init__(self, time_base: Fraction | None, frame_rate: float | None) -> None:
        """Take the time base (seconds a tick) and the average rate (frames a second), where known."""
        self._time_base = time_base
        self._frame_s = 1 / frame_rate if frame_rate and 1 <= frame_rate <= 1000 else DEFAULT_FRAME_S
        self._offset_s: float | None = None
        self._last_s = 0.0
        self._last_frame_s = 0.0

    def resume(self, first_pts: int, at_pts: int) -> None:
        """Go on at the frame with `at_pts`, where the video's first frame has `first_pts`, second 0."""
        if self._time_base is None:
            raise ValueError("the stream has no time base: read it from its beginning")
        self._offset_s = float(first_pts * self._time_base)
        self._last_s = float((at_pts - first_pts) * self._time_base)

    def time_s(self, pts: int | None, duration: int | None) -> float:
        """Return the second at which the frame with `pts` and `duration` (both in ticks) is first shown."""
        self._last_s = self._next_time_s(pts)
        self._last_frame_s = self._shown_s(duration)
        return self._last_s

    def shown_at_s(self, container_s: float) -> float | None:
        """Return where the container's second lies on this clock; None before the first frame with a pts."""
        return None if self._offset_s is None else container_s - self._offset_s

    @property
    def end_s(self) -> float:
        """The second at which the last frame ceases to be shown."""
        return self._last_s + self._last_frame_s

    def _next_time_s(self, pts: int | None) -> float:
        if pts is None or self._time_base is None:
            return self.end_s
        clock_s = float(pts * self._time_base)
        if self._offset_s is None:
            self._offset_s = clock_s - self.end_s
        step_s = clock_s - self._offset_s - self._last_s
        if -MAX_REORDER_S <= step_s <= MAX_STILL_S:
            return self._last_s + max(0.0, step_s)
        self._offset_s = clock_s - self.end_s
        return self.end_s

    def _shown_s(self, duration: int | None) -> float:
        shown_s = float(duration * self._time_base) if duration and self._time_base else self._frame_s
        return shown_s if 0 < shown_s <= MAX_STILL_S else self._frame_s
