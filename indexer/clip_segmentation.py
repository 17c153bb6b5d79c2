"""Where a video is cut into clips, decided while it streams past.

Clips tile the video: they begin at shot changes, are at most `max_clip_s` long, and at least `min_clip_s`
unless the whole video is shorter. A shot is judged on low-rate pictures (about 6 a second), so that the
video is decoded once. A clip is decided as soon as nothing that follows can change it, at the latest
`max_clip_s + min_clip_s` after its start: memory stays bounded whatever the length.

The detector is PySceneDetect's AdaptiveDetector. On 38 real clips at 6 pictures a second it found the cuts
that ContentDetector finds at full rate; ContentDetector itself took fast movement for cuts at this rate. It
looks at the whole picture: in the square crop that a model sees it missed one of 6 cuts in 34 real clips.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray
from scenedetect import AdaptiveDetector, FrameTimecode

from indexer.clip_times import PICTURES_PER_S, ROUNDING_S, Span

LOOK_AHEAD = 2
"""Pictures on either side with which the detector compares the change at a picture."""

DETECTION_PX = 112
"""Least longer side of the pictures compared; more detail costs time and finds no other cut."""

ADAPTIVE_THRESHOLD = 3.0
"""A cut changes the picture this many times as much as the changes around it (PySceneDetect's default)."""


class ShotDetector:
    """Tells which pictures of a stream begin a new shot; an answer comes `LOOK_AHEAD` pictures late."""

    def __init__(self) -> None:
        """Start before the first picture."""
        self._detector = AdaptiveDetector(
            adaptive_threshold=ADAPTIVE_THRESHOLD, min_scene_len=1, window_width=LOOK_AHEAD
        )
        self._count = 0
        self._waiting: deque[tuple[int, float]] = deque()
        self._last: tuple[float, NDArray[np.uint8]] | None = None

    def add(self, time_s: float, picture: NDArray[np.uint8]) -> list[tuple[float, bool]]:
        """Take the `picture` (H, W, 3) RGB shown from `time_s` on; return the decided (second, is cut).

        A still that stood for long is shown to the detector a few times, as it would be at a constant rate:
        else slides would look like one restless shot.
        """
        small = self._comparable(picture)
        decided = []
        if self._last is not None:
            last_s, last_small = self._last
            repeats = min(2 * LOOK_AHEAD, round((time_s - last_s) * PICTURES_PER_S) - 1)
            for index in range(repeats):
                decided += self._judge(last_s + (index + 1) / PICTURES_PER_S, last_small)
        self._last = (time_s, small)
        return decided + self._judge(time_s, small)

    def finish(self) -> list[tuple[float, bool]]:
        """Return the last pictures' times; too little follows them to call one a cut."""
        return [(time_s, False) for _, time_s in self._waiting]

    def _comparable(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return some pixels of `picture`, BGR, as many as of the first one: a stream may change its size."""
        step = max(1, max(picture.shape[:2]) // DETECTION_PX)
        small = picture[::step, ::step, ::-1]
        height, width = self._last[1].shape[:2] if self._last is not None else small.shape[:2]
        if small.shape[:2] != (height, width):
            rows = np.arange(height) * small.shape[0] // height
            columns = np.arange(width) * small.shape[1] // width
            small = small[rows[:, None], columns]
        return np.ascontiguousarray(small)

    def _judge(self, time_s: float, small: NDArray[np.uint8]) -> list[tuple[float, bool]]:
        found = self._detector.process_frame(FrameTimecode(self._count, PICTURES_PER_S), small)
        cuts = {cut.frame_num for cut in found}
        self._waiting.append((self._count, time_s))
        self._count += 1
        decided = []
        while len(self._waiting) > LOOK_AHEAD:
            number, decided_s = self._waiting.popleft()
            decided.append((decided_s, number in cuts))
        return decided


class ClipBounds:
    """Turns a stream of (second, is cut) into spans that tile the video."""

    def __init__(self, min_clip_s: float, max_clip_s: float) -> None:
        """Start at second 0; raises ValueError when a remainder would fit nowhere."""
        if not 0 < 2 * min_clip_s <= max_clip_s:
            raise ValueError(
                f"min_clip_s={min_clip_s}, max_clip_s={max_clip_s}: the longest clip must be at least twice "
                "the shortest"
            )
        self._min_s = min_clip_s
        self._max_s = max_clip_s
        self._start_s = 0.0
        self._cut_s: float | None = None
        """A cut that ends the current clip, once the clip after it is sure to be long enough."""

    def add(self, time_s: float, is_cut: bool) -> list[Span]:
        """Take the next decided second (never decreasing); return the clips that are now certain."""
        spans = self._certain_at(time_s)
        if is_cut and self._cut_s is None and time_s - self._start_s >= self._min_s - ROUNDING_S:
            if time_s - self._start_s > self._max_s + ROUNDING_S:
                spans.append(self._close((self._start_s + time_s) / 2))
            self._cut_s = time_s
        return spans

    def finish(self, end_s: float) -> list[Span]:
        """Return the last clips, ending at `end_s`; a tail shorter than the minimum is merged back."""
        spans = self._certain_at(end_s)
        if end_s - self._start_s > self._max_s + ROUNDING_S:
            spans.append(self._close((self._start_s + end_s) / 2))
        spans.append(self._close(end_s))
        return spans

    def _certain_at(self, time_s: float) -> list[Span]:
        spans = []
        if self._cut_s is not None and time_s - self._cut_s >= self._min_s - ROUNDING_S:
            spans.append(self._close(self._cut_s))
        longest_s = self._max_s + self._min_s - ROUNDING_S
        while self._cut_s is None and time_s - self._start_s >= longest_s:
            spans.append(self._close(self._start_s + self._max_s))
        return spans

    def _close(self, end_s: float) -> Span:
        span = Span(self._start_s, end_s)
        self._start_s = end_s
        if self._cut_s is not None and self._cut_s <= end_s:
            self._cut_s = None
        return span
