"""From frames to evenly timed pictures of a span, whatever its length in bounded memory.

The pictures are those shown at a constant rate, as a video re-encoded to that rate would hold them. How many
there will be is known only at the end, because containers do not keep to the duration they claim. So when
too many have gathered every other one is dropped and the rate halved: at the end there are at least four
times as many as wanted, of which the wanted ones are taken from the middles of equal parts.
"""

from collections.abc import Iterator

import numpy as np

from indexer.decoding.messages import DecodedFrames
from indexer.decoding.pictures import PictureScaler
from indexer.decoding.plans import FramePlan
from indexer.decoding.reader import TimedFrame
from indexer.decoding.rgb_scaler import Picture

KEPT_PER_WANTED = 8
"""Pictures kept at most for each wanted one: halved to 4, an even share of them is uneven by a fourth."""

ROUNDING_S = 0.005
"""Containers round times, to 1 ms and more: a frame said to be shown at 0.667 s is that of 2/3 s."""


class FrameSampler:
    """Takes every frame of a video up to the end of a span and returns the pictures of the span."""

    def __init__(self, plan: FramePlan) -> None:
        """Start at the first frame."""
        self._plan = plan
        self._scaler = PictureScaler()
        self._shown: TimedFrame | None = None
        self._pictures: list[Picture] = []
        self._next_tick = 0
        self._ticks_between = 1

    def add(self, timed: TimedFrame) -> Iterator[DecodedFrames]:
        """Take the next frame; nothing is certain before the last one."""
        if self._shown is not None:
            self._keep_shown_until(timed.time_s)
        self._shown = timed
        return iter(())

    def finish(self, end_s: float) -> Iterator[DecodedFrames]:
        """Yield the pictures of a span or video that ends at `end_s`, if any is shown in it."""
        self._keep_shown_until(end_s)
        kept, most = len(self._pictures), self._plan.most
        if kept > most:
            self._pictures = [self._pictures[(2 * part + 1) * kept // (2 * most)] for part in range(most)]
        if self._pictures:
            yield DecodedFrames(np.stack(self._pictures))

    def _keep_shown_until(self, time_s: float) -> None:
        """Keep what the current frame, shown until `time_s`, gives to the span."""
        plan, picture = self._plan, None
        while plan.start_s + self._next_tick / plan.frames_per_second < time_s - ROUNDING_S:
            if picture is None:
                picture = self._scaled()
            self._pictures.append(picture)
            self._next_tick += self._ticks_between
            if len(self._pictures) == KEPT_PER_WANTED * plan.most:
                self._pictures = self._pictures[::2]
                self._ticks_between *= 2

    def _scaled(self) -> Picture:
        plan, timed = self._plan, self._shown
        if timed is None:
            raise ValueError("no frame was added before the span began")
        return self._scaler.model_input(
            timed.frame, plan.image_size, plan.resize_mode, aspect=timed.aspect, orientation=timed.orientation
        )
