"""What a video file is, without decoding more than its first frame."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame

from indexer.decoding.container import MAX_PIXELS, OpenVideo, open_video
from indexer.decoding.orientation import UPRIGHT, Orientation, orientation_of
from indexer.decoding.presentation_clock import beginning_s
from indexer.decoding.time_stamps import first_sound_s, frame_rate, stamp_of
from indexer.errors import PictureTooSmall

MIN_SIDE_PX = 16
"""Below the size of one patch of any encoder there is nothing to recognise."""

MAX_PROBED_PACKETS = 64
"""A first frame needs a few packets; a stream that shows none by then is left to the reader to judge."""

TIMECODE = re.compile(r"\d{2}:\d{2}:\d{2}[:;.]\d{2,3}")

MAX_PIXEL_ASPECT = 8.0
"""Real pixels are at most about 2:1; a larger ratio is damage and is ignored."""


@dataclass(frozen=True)
class VideoProbe:
    """What a file claims to be.

    `width` and `height` are as shown, after rotation and pixel aspect; `rotation` is the quarter turns
    anticlockwise, in degrees, that make the picture upright, before it is mirrored if it is to be; None where
    the container is silent.
    """

    container: str
    codec: str
    duration_s: float | None
    width: int
    height: int
    rotation: int
    frame_rate: float | None
    has_audio: bool
    size_bytes: int
    start_timecode: str | None = None
    """The camera's timecode of the first frame, HH:MM:SS:FF (;FF where numbers are dropped)."""


def probe(path: Path, max_pixels: int = MAX_PIXELS) -> VideoProbe:
    """Return what the file at the absolute `path` claims to be.

    Raises ValueError for a relative path, and the IndexingError that says why the file is refused.
    Whether its frames decode is known only after reading them.
    """
    with open_video(path, max_pixels) as video:
        first = first_frame(video)
        orientation = orientation_of(first) if first else UPRIGHT
        width, height = _shown_size(video, first, orientation)
        if 0 < min(width, height) < MIN_SIDE_PX:
            raise PictureTooSmall(
                f"{path.name} is {width}x{height} pixels: each side must have at least {MIN_SIDE_PX}"
            )
        stream = video.stream
        return VideoProbe(
            container=video.container.format.name,
            codec=stream.codec_context.codec.canonical_name,
            duration_s=_duration_s(video, first),
            width=width,
            height=height,
            rotation=orientation.rotation,
            frame_rate=frame_rate(video),
            has_audio=bool(video.container.streams.audio),
            size_bytes=path.stat().st_size,
            start_timecode=_start_timecode(video),
        )


def pixel_aspect(ratio: Fraction | None) -> float:
    """Return the width of a pixel over its height; 1.0 when unknown or absurd."""
    if ratio is None or ratio <= 0:
        return 1.0
    return float(ratio) if 1 / MAX_PIXEL_ASPECT <= ratio <= MAX_PIXEL_ASPECT else 1.0


def first_frame(video: OpenVideo) -> VideoFrame | None:
    """Return the first frame of `video`, having read on to it; None when a few packets give none."""
    try:
        for index, packet in enumerate(video.container.demux(video.stream)):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                frames = []
            if frames:
                return frames[0]
            if index >= MAX_PROBED_PACKETS:
                return None
    except av.FFmpegError:
        return None
    return None


def _shown_size(video: OpenVideo, first: VideoFrame | None, orientation: Orientation) -> tuple[int, int]:
    source = first or video.stream
    shown = (round(source.width * pixel_aspect(video.stream.sample_aspect_ratio)), source.height)
    return (shown[1], shown[0]) if orientation.swaps_sides else shown


def _start_timecode(video: OpenVideo) -> str | None:
    """Return the timecode that the container gives to the picture (QuickTime's tmcd track, MXF's package)."""
    written = video.stream.metadata.get("timecode") or video.container.metadata.get("timecode") or ""
    return written if TIMECODE.fullmatch(written) else None


def _duration_s(video: OpenVideo, first: VideoFrame | None) -> float | None:
    """Return the seconds that the container claims, from where a player begins."""
    stream, container = video.stream, video.container
    if stream.duration is not None and stream.time_base is not None and stream.duration > 0:
        duration_s = float(stream.duration * stream.time_base) + _lead_s(video, first)
    elif container.duration is not None and container.duration > 0:
        duration_s = container.duration / av.time_base
    else:
        return None
    return duration_s if math.isfinite(duration_s) else None


def _lead_s(video: OpenVideo, first: VideoFrame | None) -> float:
    stamp, time_base = stamp_of(video, first) if first else None, video.stream.time_base
    if stamp is None or time_base is None:
        return 0.0
    first_s = float(stamp * time_base)
    return first_s - beginning_s(first_s, first_sound_s(video))
