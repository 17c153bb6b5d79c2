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
from typing import Any, BinaryIO, get_type_hints

import numpy as np
from numpy.typing import NDArray

from indexer import errors
from indexer.cue_text import NewCue, spoken_text
from indexer.decoding.packed_cues import MAX_PACKED_BYTES, pack_cues, unpack_cues
from indexer.decoding.plans import ClipPlan, DecodePlan, FramePlan, Plan
from indexer.decoding.probe import VideoProbe

MAX_HEADER_BYTES = 64 * 1024
MAX_THUMBNAIL_BYTES = 8 * 1024 * 1024

MAX_NUMBER = 2**53
"""Of bytes, pixels or seconds; a database takes no integer of any size."""


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
ReadExactly = Callable[[int], bytes]

_PLAIN_MESSAGES: dict[str, type[VideoProbe] | type[DecodeProgress] | type[DecodeSummary]] = {
    "probe": VideoProbe,
    "progress": DecodeProgress,
    "summary": DecodeSummary,
}
_NAMES = {kind: name for name, kind in _PLAIN_MESSAGES.items()}
_ERRORS = {kind.code: kind for kind in errors.IndexingError.__subclasses__()}


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
    return _read_plain(_PLAIN_MESSAGES[kind](**header))


def _read_plain(
    message: VideoProbe | DecodeProgress | DecodeSummary,
) -> VideoProbe | DecodeProgress | DecodeSummary:
    """Return a message, having looked at its values; raises ValueError for what no healthy child says."""
    for name, kind in get_type_hints(type(message)).items():
        value = getattr(message, name)
        is_absurd = isinstance(value, int | float) and not 0 <= value <= MAX_NUMBER  # NaN is not, either
        is_whole = isinstance(value, int) and isinstance(0.0, kind)  # of seconds, say
        if not (isinstance(value, kind) or is_whole) or is_absurd:
            raise ValueError(f"{name} is {repr(value)[:50]}")
    return message


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
