"""From frames and sound to an mp4 of a span: every frame that is shown in it, and nothing else.

The frame on the screen when the span begins is the first one, and the last one is shown until it ends.
"""

import errno
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Never

import av

from indexer.decoding.frame_sampler import ROUNDING_S
from indexer.decoding.messages import DecodedClip
from indexer.decoding.picture_track import PictureTrack
from indexer.decoding.plans import CutPlan
from indexer.decoding.probe import VideoProbe
from indexer.decoding.reader import TimedFrame
from indexer.decoding.sound_reader import SoundReader
from indexer.decoding.sound_track import SoundTrack
from indexer.errors import DiskFull, FileTooLarge, NoFrames

MIN_RATE, MAX_RATE = Fraction(1), Fraction(240)

USUAL_RATE = 25.0
"""Where the container is silent about its frame rate; it only sets how often there is a key frame."""


class ClipCutter:
    """Takes the frames of a video up to the end of a span and writes the span to a file."""

    def __init__(self, plan: CutPlan, path: Path, video: VideoProbe) -> None:
        """Open the file to be written."""
        self._plan, self._path = plan, path
        rate = Fraction(video.frame_rate or USUAL_RATE).limit_denominator(1001)
        self._rate = min(max(rate, MIN_RATE), MAX_RATE)
        self._rounding_s = min(ROUNDING_S, float(1 / self._rate / 2))
        # The index goes to the front, so that a player can begin before it has everything.
        self._container = av.open(plan.target, "w", format="mp4", options={"movflags": "+faststart"})
        self._pictures: PictureTrack | None = None
        self._sound: SoundTrack | None = None
        self._on_screen: TimedFrame | None = None

    def add(self, timed: TimedFrame) -> Iterator[DecodedClip]:
        """Take the next frame; what it makes goes to the file."""
        if timed.time_s > self._plan.start_s + self._rounding_s:
            if timed.time_s >= self._plan.end_s - self._rounding_s:
                return iter(())
            if self._on_screen is not None:
                self._write(self._on_screen, timed.time_s)
        self._on_screen = timed
        return iter(())

    def finish(self, end_s: float) -> Iterator[DecodedClip]:
        """Write the rest of the span of a video of which `end_s` seconds decoded."""
        plan = self._plan
        is_whole = end_s >= plan.end_s - self._rounding_s
        end_s = plan.end_s if is_whole else end_s
        if self._on_screen is not None and end_s > plan.start_s:
            self._write(self._on_screen, end_s)
        if self._pictures is None or self._pictures.is_empty:
            raise NoFrames(f"{self._path.name} shows nothing from {plan.start_s:g} to {plan.end_s:g} s")
        try:
            self._pictures.finish()
            if self._sound is not None:
                self._sound.finish()
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            self._refuse(error)
        return iter(())

    def _write(self, timed: TimedFrame, until_s: float) -> None:
        start_s = self._plan.start_s
        try:
            if self._pictures is None:
                self._pictures = PictureTrack(self._container, timed, self._rate, self._plan)
                sound = SoundReader(self._path, start_s, self._plan.end_s)
                self._sound = SoundTrack.of(self._container, sound)
            self._pictures.write(timed, max(0.0, timed.time_s - start_s), until_s - start_s)
            if self._sound is not None:
                self._sound.write_until(until_s - start_s)
        except (av.FFmpegError, OSError) as error:
            self._refuse(error)

    def _refuse(self, error: av.FFmpegError | OSError) -> Never:
        if error.errno == errno.EFBIG:
            raise FileTooLarge(
                f"{self._plan.end_s - self._plan.start_s:g} s of {self._path.name} make more than "
                f"{self._plan.max_bytes} bytes: cut a shorter part"
            ) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"the disk became full while {self._path.name} was cut: free some space, then try again"
            ) from error
        raise error
