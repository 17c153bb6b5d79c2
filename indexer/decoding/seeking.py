"""Going to a place in a video without decoding what lies before it."""

from dataclasses import dataclass

import av

from indexer.decoding.container import OpenVideo
from indexer.decoding.probe import first_frame

INDEXED_CONTAINERS = {"mov", "matroska"}
"""FFmpeg's names of those that list their key frames; others are read from the beginning."""

LEAD_S = 1.0
"""How much earlier to begin: containers look for key frames by decoding time, which runs ahead."""


@dataclass(frozen=True)
class Place:
    """Where reading goes on: the time stamps, in ticks, of the video's first frame and of a key frame."""

    first_pts: int
    pts: int


def seek_before(video: OpenVideo, time_s: float) -> Place | None:
    """Go to a key frame shown at or before `time_s` seconds; stay at the beginning and return None else."""
    if not is_indexed(video):
        return None
    first_pts = first_pts_of(video)
    if first_pts is None:
        _rewind(video, 0)
        return None
    place = _key_frame_before(video, first_pts, time_s)
    if place is None:
        _rewind(video, first_pts)
    return place


def is_indexed(video: OpenVideo) -> bool:
    """Return whether the container finds a place by its time."""
    return bool(INDEXED_CONTAINERS & set(video.container.format.name.split(",")))


def first_pts_of(video: OpenVideo) -> int | None:
    """Return the time stamp of the first frame shown, having decoded it."""
    first = first_frame(video)
    return None if first is None or video.stream.time_base is None else first.pts


def _key_frame_before(video: OpenVideo, first_pts: int, time_s: float) -> Place | None:
    stream = video.stream
    if stream.time_base is None:
        return None
    wanted = first_pts + int(time_s / stream.time_base)
    target = wanted - int(LEAD_S / stream.time_base)
    if target <= first_pts:
        return None
    try:
        video.container.seek(target, stream=stream)
        packet = next(iter(video.container.demux(stream)), None)
        if packet is None or not packet.is_keyframe or packet.pts is None:
            return None
        if not first_pts <= packet.pts <= wanted:
            return None
        video.container.seek(target, stream=stream)
    except av.FFmpegError:  # a damaged index
        return None
    return Place(first_pts, packet.pts)


def _rewind(video: OpenVideo, first_pts: int) -> None:
    video.container.seek(first_pts, stream=video.stream)
