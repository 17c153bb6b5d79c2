"""From frames to clips: each clip is handed out as soon as it is certain.

Only small pictures are kept, about 6 a second of the current clip: 10 to 80 MB, whatever the video.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from indexer.clip_segmentation import ClipBounds, ShotDetector
from indexer.clip_times import Span, picture_slot, sample_times
from indexer.decoding.messages import DecodedClip
from indexer.decoding.pictures import PictureScaler, to_jpeg
from indexer.decoding.plans import DecodePlan
from indexer.decoding.reader import TimedFrame
from indexer.decoding.rgb_scaler import Picture


@dataclass(frozen=True)
class _Candidate:
    time_s: float
    model_input: Picture
    thumbnail: Picture


class ClipMaker:
    """Takes every frame of a video and returns its clips."""

    def __init__(self, plan: DecodePlan) -> None:
        """Start at the first frame."""
        self._plan = plan
        self._shots = ShotDetector()
        self._bounds = ClipBounds(plan.min_clip_s, plan.max_clip_s)
        self._input_scaler = PictureScaler()
        self._thumbnail_scaler = PictureScaler()
        self._candidates: list[_Candidate] = []
        self._next_slot = 0

    def add(self, timed: TimedFrame) -> Iterator[DecodedClip]:
        """Take the next frame, of which `PICTURES_PER_S` a second are kept; yield the clips now certain."""
        slot = picture_slot(timed.time_s)
        if slot < self._next_slot:
            return
        self._next_slot = slot + 1
        candidate = self._candidate(timed)
        self._candidates.append(candidate)
        # The whole picture, and the same for every model: generations cut a video at the same seconds.
        decided = self._shots.add(candidate.time_s, candidate.thumbnail)
        for time_s, is_cut in decided:
            for span in self._bounds.add(time_s, is_cut):
                yield self._clip(span, candidate.time_s)

    def finish(self, end_s: float) -> Iterator[DecodedClip]:
        """Yield the last clips of a video that ends at `end_s`."""
        spans = [span for time_s, is_cut in self._shots.finish() for span in self._bounds.add(time_s, is_cut)]
        spans += self._bounds.finish(end_s)
        for span in spans:
            yield self._clip(span, end_s)

    def _candidate(self, timed: TimedFrame) -> _Candidate:
        plan = self._plan
        return _Candidate(
            time_s=timed.time_s,
            model_input=self._input_scaler.model_input(
                timed.frame,
                plan.image_size,
                plan.resize_mode,
                aspect=timed.aspect,
                orientation=timed.orientation,
            ),
            thumbnail=self._thumbnail_scaler.thumbnail(
                timed.frame, plan.thumbnail_width, aspect=timed.aspect, orientation=timed.orientation
            ),
        )

    def _clip(self, span: Span, decoded_s: float) -> DecodedClip:
        """Return the clip of `span` and forget the candidates that no later clip shows."""
        times = [candidate.time_s for candidate in self._candidates]

        def shown_at(time_s: float) -> _Candidate:
            return self._candidates[max(0, bisect_right(times, time_s) - 1)]

        frames = np.stack(
            [shown_at(time_s).model_input for time_s in sample_times(span, self._plan.frames_per_clip)]
        )
        thumbnail = shown_at((span.start_s + span.end_s) / 2).thumbnail
        clip = DecodedClip(span.start_s, span.end_s, frames, to_jpeg(thumbnail), decoded_s)
        del self._candidates[: max(0, bisect_right(times, span.end_s) - 1)]
        return clip
