"""What is taken away: moments with their source, on the source's own frames."""

from dataclasses import dataclass
from datetime import datetime

from app.export.timecode import TimecodeCount


@dataclass(frozen=True)
class Source:
    """The video that a moment is cut from."""

    video_id: str
    title: str
    filename: str
    address: str
    """A file URI for a file indexed in place, else where the service streams it."""
    count: TimecodeCount
    first_frame: int
    """Number of the video's first frame, by its own timecode; 0 where it has none."""
    duration_s: float | None
    recorded_at: datetime | None

    def timecode(self, seconds: float) -> str:
        """Return the timecode of the frame boundary nearest to ``seconds`` of the video."""
        return self.count.write(self.first_frame + self.count.rate.frame_at(seconds))


@dataclass(frozen=True)
class Moment:
    """A span of a video in seconds, and why it was found, if it was."""

    source: Source
    start_s: float
    end_s: float
    clip_id: str | None = None
    rank: int | None = None
    best_at_s: float | None = None
    score: float | None = None
    confidence: str | None = None
    said: str | None = None
    """Words said at this moment that were searched for."""

    @property
    def start_frame(self) -> int:
        """Return the first frame, 0 being the video's first."""
        return self.source.count.rate.frame_at(self.start_s)

    @property
    def frames(self) -> int:
        """Return how many frames it lasts; one at least."""
        return max(1, self.source.count.rate.frame_at(self.end_s) - self.start_frame)

    @property
    def best_frame(self) -> int | None:
        """Return the best frame, 0 being the video's first; it lies in the moment."""
        if self.best_at_s is None:
            return None
        best = self.source.count.rate.frame_at(self.best_at_s)
        return min(max(best, self.start_frame), self.start_frame + self.frames - 1)


@dataclass(frozen=True)
class MomentList:
    """Moments in the order in which they are to be shown, and what they are of."""

    name: str
    moments: tuple[Moment, ...]
