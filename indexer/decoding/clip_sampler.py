"""From frames to the pictures of one clip whose bounds are known: those that it was indexed by.

As indexing does, it looks at the first frame of each sixth of a second, and takes what is shown of these in
the middles of equal parts.
"""

from collections.abc import Iterator

import numpy as np

from indexer.clip_times import Span, picture_slot, sample_times
from indexer.decoding.messages import DecodedFrames
from indexer.decoding.pictures import PictureScaler
from indexer.decoding.plans import ClipPlan
from indexer.decoding.reader import TimedFrame
from indexer.decoding.rgb_scaler import Picture


class ClipSampler:
    """Takes the frames of a video up to the end of a clip and returns the clip's pictures."""

    def __init__(self, plan: ClipPlan) -> None:
        """Start at the first frame."""
        self._plan = plan
        self._scaler = PictureScaler()
        self._times = sample_times(Span(plan.clip_start_s, plan.clip_end_s), plan.most)
        self._shown: TimedFrame | None = None
        self._next_slot = 0
        self._pictures: list[Picture] = []

    def add(self, timed: TimedFrame) -> Iterator[DecodedFrames]:
        """Take the next frame; nothing is certain before the last one."""
        slot = picture_slot(timed.time_s)
        if slot >= self._next_slot:
            self._next_slot = slot + 1
            self._keep_shown_before(timed.time_s)
            self._shown = timed
        return iter(())

    def finish(self, end_s: float) -> Iterator[DecodedFrames]:
        """Yield the pictures of the clip, unless the video ends, at `end_s`, before it begins."""
        if end_s > self._plan.clip_start_s:
            self._keep_shown_before(self._plan.clip_end_s)
            yield DecodedFrames(np.stack(self._pictures))

    def _keep_shown_before(self, time_s: float) -> None:
        """Keep what the current frame, shown until `time_s`, gives to the clip."""
        timed, plan = self._shown, self._plan
        if timed is None:
            return
        count = sum(one < time_s for one in self._times[len(self._pictures) :])
        if count:
            picture = self._scaler.model_input(
                timed.frame,
                plan.image_size,
                plan.resize_mode,
                aspect=timed.aspect,
                orientation=timed.orientation,
            )
            self._pictures += [picture] * count
