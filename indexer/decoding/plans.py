"""What the decoding child is asked for: one plan a video, which the parent sends it as JSON."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

LEAD_S = 0.5
"""How long before a clip to begin: three frames that indexing looked at, of which it may show the last."""

MAX_FRAMES_PER_S = 1000.0
"""No film that people describe has more."""


@dataclass(frozen=True)
class DecodePlan:
    """What to make of a video: `frames_per_clip` squares of `image_size` pixels, thumbnails, clip bounds."""

    image_size: int
    resize_mode: Literal["shortest", "squash"]
    frames_per_clip: int
    thumbnail_width: int = 480
    min_clip_s: float = 2.0
    max_clip_s: float = 10.0

    from_s: ClassVar[float] = 0.0
    until_s: ClassVar[float] = math.inf
    """Clips are made of the whole video."""

    def __post_init__(self) -> None:
        """Refuse sizes and bounds that no clip can satisfy; raises ValueError."""
        for name in ("image_size", "frames_per_clip", "thumbnail_width"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be at least 1")
        if self.resize_mode not in ("shortest", "squash"):
            raise ValueError(f"resize_mode={self.resize_mode!r}: must be 'shortest' or 'squash'")
        if not 0 < 2 * self.min_clip_s <= self.max_clip_s:
            raise ValueError(
                f"min_clip_s={self.min_clip_s}, max_clip_s={self.max_clip_s}: "
                "the longest clip must be at least twice the shortest, or a remainder fits nowhere"
            )


@dataclass(frozen=True)
class FramePlan:
    """Which frames of a video to make squares of `image_size` pixels of.

    Of the seconds from `start_s` to `end_s` (None: the video's end) `frames_per_second`, thinned evenly where
    that makes more than `most`.
    """

    image_size: int
    resize_mode: Literal["shortest", "squash"]
    frames_per_second: float
    most: int
    start_s: float = 0.0
    end_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no video can give; raises ValueError."""
        _check_pictures(self)
        if not 0 < self.frames_per_second <= MAX_FRAMES_PER_S:
            raise ValueError(
                f"frames_per_second={self.frames_per_second}: must be over 0 and at most {MAX_FRAMES_PER_S}"
            )
        if not 0 <= self.start_s < self.until_s:
            raise ValueError(f"no span of a video begins at {self.start_s} s and ends at {self.end_s} s")

    @property
    def from_s(self) -> float:
        """The second before which nothing need be decoded."""
        return self.start_s

    @property
    def until_s(self) -> float:
        """The second from which on nothing is decoded."""
        return math.inf if self.end_s is None else self.end_s


@dataclass(frozen=True)
class ClipPlan:
    """Which clip of a video to show once more: the pictures that a `DecodePlan` like it had made of it."""

    image_size: int
    resize_mode: Literal["shortest", "squash"]
    most: int
    """Pictures of the clip: `DecodePlan.frames_per_clip`."""
    clip_start_s: float
    clip_end_s: float

    def __post_init__(self) -> None:
        """Refuse what no video can give; raises ValueError."""
        _check_pictures(self)
        if not 0 <= self.clip_start_s < self.clip_end_s < math.inf:
            raise ValueError(
                f"no clip of a video begins at {self.clip_start_s} s and ends at {self.clip_end_s} s"
            )

    @property
    def from_s(self) -> float:
        """The second before which nothing need be decoded."""
        return max(0.0, self.clip_start_s - LEAD_S)

    @property
    def until_s(self) -> float:
        """The second from which on nothing is decoded."""
        return self.clip_end_s


@dataclass(frozen=True)
class CutPlan:
    """Which seconds of a video to write anew as an mp4 of at most `max_bytes` at the absolute `target`.

    A picture with longer sides than `long_px` and `short_px` is scaled down.
    """

    target: str
    start_s: float
    end_s: float
    max_bytes: int
    long_px: int
    short_px: int

    def __post_init__(self) -> None:
        """Refuse what no video can give; raises ValueError."""
        if not 0 <= self.start_s < self.end_s < math.inf:
            raise ValueError(f"no span of a video begins at {self.start_s} s and ends at {self.end_s} s")
        if not Path(self.target).is_absolute():
            raise ValueError(f"target {self.target!r} is relative: pass an absolute path")

    @property
    def from_s(self) -> float:
        """The second before which nothing need be decoded."""
        return self.start_s

    @property
    def until_s(self) -> float:
        """The second from which on nothing is decoded."""
        return self.end_s


Plan = DecodePlan | FramePlan | ClipPlan | CutPlan


def read_plan(text: str) -> Plan:
    """Return the plan that the parent wrote as JSON; raises ValueError or TypeError for what is none."""
    values = json.loads(text)
    if "target" in values:
        return CutPlan(**values)
    if "clip_start_s" in values:
        return ClipPlan(**values)
    return FramePlan(**values) if "frames_per_second" in values else DecodePlan(**values)


def _check_pictures(plan: FramePlan | ClipPlan) -> None:
    for name in ("image_size", "most"):
        if getattr(plan, name) < 1:
            raise ValueError(f"{name}={getattr(plan, name)}: must be at least 1")
    if plan.resize_mode not in ("shortest", "squash"):
        raise ValueError(f"resize_mode={plan.resize_mode!r}: must be 'shortest' or 'squash'")
