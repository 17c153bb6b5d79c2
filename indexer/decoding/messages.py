"""What the decoding child tells its parent: one line of JSON a message, then raw bytes, never pickle.

A stream is `VideoProbe`, then `DecodeProgress` and `DecodedClip` in time order, `DecodedCues` where the file
has subtitles, then one `DecodeSummary`; or, at any point, one `IndexingError` (its code and message) and
nothing more. Where a `FramePlan` or `ClipPlan` was given, at most one `DecodedFrames` takes the place of the
clips; where a `CutPlan` was, a file does.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from indexer import errors
from indexer.cue_text import NewCue, spoken_text
from indexer.decoding.packed_cues import MAX_PACKED_BYTES, pack_cues, unpack_cues
from indexer.decoding.probe import VideoProbe

MAX_HEADER_BYTES = 64 * 1024
MAX_THUMBNAIL_BYTES = 8 * 1024 * 1024

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
    def until_s(self) -> float:
        """The second from which on nothing is decoded."""
        return self.end_s


@dataclass(frozen=True)
class DecodeProgress:
    """How far decoding has come, in seconds of video; at least one a second while frames are decoded."""

    decoded_s: float


@dataclass(frozen=True)
class DecodedClip:
    """One clip: its bounds in seconds, `frames` (T, H, W, 3) uint8 RGB, a JPEG of its middle, progress."""

    start_s: float
    end_s: float
    frames: NDArray[np.uint8]
    thumbnail_jpeg: bytes
    decoded_s: float


@dataclass(frozen=True)
class DecodedFrames:
    """The pictures of a span in time order: `frames` (F, H, W, 3) uint8 RGB, F at least 1."""

    frames: NDArray[np.uint8]


@dataclass(frozen=True)
class DecodedCues:
    """What the subtitle streams of the video say, and what of them was left out, if anything."""

    cues: list[NewCue]
    note: str | None


@dataclass(frozen=True)
class DecodeSummary:
    """What became of the video, up to the last second asked for.

    Seconds and frames decoded, and what was wrong with it, if anything.
    """

    decoded_seconds: float
    frames_decoded: int
    warning: str | None


DecodeMessage = VideoProbe | DecodeProgress | DecodedClip | DecodedFrames | DecodedCues | DecodeSummary
Plan = DecodePlan | FramePlan | ClipPlan | CutPlan
ReadExactly = Callable[[int], bytes]

_PLAIN_MESSAGES: dict[str, type[VideoProbe] | type[DecodeProgress] | type[DecodeSummary]] = {
    "probe": VideoProbe,
    "progress": DecodeProgress,
    "summary": DecodeSummary,
}
_NAMES = {kind: name for name, kind in _PLAIN_MESSAGES.items()}
_ERRORS = {kind.code: kind for kind in errors.IndexingError.__subclasses__()}


def read_plan(text: str) -> Plan:
    """Return the plan that the parent wrote as JSON; raises ValueError or TypeError for what is none."""
    values = json.loads(text)
    if "target" in values:
        return CutPlan(**values)
    if "clip_start_s" in values:
        return ClipPlan(**values)
    return FramePlan(**values) if "frames_per_second" in values else DecodePlan(**values)


def write_message(stream: BinaryIO, message: DecodeMessage | errors.IndexingError) -> None:
    """Write one message and flush it."""
    payload: tuple[bytes, ...] = ()
    if isinstance(message, errors.IndexingError):
        header: dict[str, object] = {"kind": "error", "code": message.code, "message": str(message)}
    elif isinstance(message, DecodedClip):
        payload = (message.frames.tobytes(), message.thumbnail_jpeg)
        header = {
            "kind": "clip",
            "start_s": message.start_s,
            "end_s": message.end_s,
            "decoded_s": message.decoded_s,
            "thumbnail_bytes": len(message.thumbnail_jpeg),
        }
    elif isinstance(message, DecodedFrames):
        payload = (message.frames.tobytes(),)
        header = {"kind": "frames", "count": len(message.frames)}
    elif isinstance(message, DecodedCues):
        payload = (pack_cues(message.cues),)
        header = {"kind": "cues", "bytes": len(payload[0]), "note": message.note}
    else:
        header = {"kind": _NAMES[type(message)], **asdict(message)}
    stream.write(json.dumps(header).encode() + b"\n")
    for part in payload:
        stream.write(part)
    stream.flush()


def read_message(line: bytes, read_exactly: ReadExactly, plan: Plan) -> DecodeMessage:
    """Return the message that the header `line` begins, taking its bytes from `read_exactly`.

    Raises the IndexingError that the child reports, or ValueError when the line is no message of ours.
    """
    header = json.loads(line)
    kind = header.pop("kind")
    if kind == "error":
        raise _ERRORS.get(header["code"], errors.DecoderCrashed)(str(header["message"]))
    if kind == "clip" and isinstance(plan, DecodePlan):
        return _read_clip(header, read_exactly, plan)
    if kind == "frames" and isinstance(plan, FramePlan | ClipPlan):
        return _read_frames(int(header["count"]), read_exactly, plan)
    if kind == "cues" and isinstance(plan, DecodePlan):
        return _read_cues(header, read_exactly)
    return _PLAIN_MESSAGES[kind](**header)


def _check_pictures(plan: FramePlan | ClipPlan) -> None:
    for name in ("image_size", "most"):
        if getattr(plan, name) < 1:
            raise ValueError(f"{name}={getattr(plan, name)}: must be at least 1")
    if plan.resize_mode not in ("shortest", "squash"):
        raise ValueError(f"resize_mode={plan.resize_mode!r}: must be 'shortest' or 'squash'")


def _read_clip(header: dict[str, float], read_exactly: ReadExactly, plan: DecodePlan) -> DecodedClip:
    shape = (plan.frames_per_clip, plan.image_size, plan.image_size, 3)
    thumbnail_bytes = int(header["thumbnail_bytes"])
    if not 0 < thumbnail_bytes <= MAX_THUMBNAIL_BYTES:
        raise ValueError(f"thumbnail of {thumbnail_bytes} bytes: must be 1 to {MAX_THUMBNAIL_BYTES}")
    return DecodedClip(
        start_s=float(header["start_s"]),
        end_s=float(header["end_s"]),
        frames=_read_pixels(read_exactly, shape),
        thumbnail_jpeg=read_exactly(thumbnail_bytes),
        decoded_s=float(header["decoded_s"]),
    )


def _read_frames(count: int, read_exactly: ReadExactly, plan: FramePlan | ClipPlan) -> DecodedFrames:
    if not 0 < count <= plan.most:
        raise ValueError(f"{count} frames: must be 1 to {plan.most}")
    return DecodedFrames(_read_pixels(read_exactly, (count, plan.image_size, plan.image_size, 3)))


def _read_cues(header: dict[str, Any], read_exactly: ReadExactly) -> DecodedCues:
    if not 0 < header["bytes"] <= MAX_PACKED_BYTES:
        raise ValueError(f"cues of {header['bytes']} bytes: must be 1 to {MAX_PACKED_BYTES}")
    note = header["note"] and spoken_text(header["note"])
    return DecodedCues(unpack_cues(read_exactly(header["bytes"])), note)


def _read_pixels(read_exactly: ReadExactly, shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    # A copy, because an array over bytes is read-only, which torch warns about.
    return np.frombuffer(read_exactly(math.prod(shape)), dtype=np.uint8).reshape(shape).copy()
