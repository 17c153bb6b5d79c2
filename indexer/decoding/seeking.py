"""Going to a place in a video without decoding what lies before it."""

from dataclasses import dataclass
from pathlib import Path

import av

from indexer.decoding.container import OpenVideo, open_video
from indexer.decoding.presentation_clock import MAX_REORDER_S, MAX_STILL_S, beginning_s
from indexer.decoding.probe import first_frame
from indexer.decoding.time_stamps import first_sound_s, format_names, stamp_of

INDEXED_CONTAINERS = {"mov", "matroska"}
"""FFmpeg's names of those that list their key frames; in others every packet before is looked at."""

LEAD_S = 1.0
"""How much earlier to begin: containers look for key frames by decoding time, which runs ahead."""


@dataclass(frozen=True)
class Place:
    """Where reading goes on: the time stamps, in ticks, of the video's first frame and of a key frame."""

    first_stamp: int
    stamp: int
    packets_before: int = 0
    """Packets of the video to pass over, undecoded, to come there; 0 where the container went there."""


def seek_before(video: OpenVideo, path: Path, time_s: float) -> Place | None:
    """Find a key frame shown at or before `time_s` seconds; stay at the beginning and return None else."""
    if not is_indexed(video):
        return _find_by_reading(path, time_s)
    with open_video(path) as looked_at:  # not in `video`: a damaged file may not find back to its beginning
        found = _key_frame_before(looked_at, time_s)
    if found is None:
        return None
    place, target = found
    try:
        video.container.seek(target, stream=video.stream)
    except av.FFmpegError:
        return None
    return place


def is_indexed(video: OpenVideo) -> bool:
    """Return whether the container finds a place by its time."""
    return bool(INDEXED_CONTAINERS & format_names(video))


def first_stamp_of(video: OpenVideo) -> int | None:
    """Return the time stamp of the first frame shown, having decoded it."""
    first = first_frame(video)
    return None if first is None or video.stream.time_base is None else stamp_of(video, first)


def zero_s(video: OpenVideo) -> float:
    """Return the second of the container that is second 0 of the video, having decoded its first frame."""
    first_stamp, time_base = first_stamp_of(video), video.stream.time_base
    if first_stamp is None or time_base is None:
        return 0.0
    return beginning_s(float(first_stamp * time_base), first_sound_s(video))


def _key_frame_before(video: OpenVideo, time_s: float) -> tuple[Place, int] | None:
    """Return the place, and the time stamp to ask the container for; None where its index is damaged."""
    stream, first_stamp = video.stream, first_stamp_of(video)
    if stream.time_base is None or first_stamp is None:
        return None
    wanted = _stamp_at(video, first_stamp, time_s)
    target = wanted - int(LEAD_S / stream.time_base)
    if target <= first_stamp:
        return None
    try:
        video.container.seek(target, stream=stream)
        packet = next(iter(video.container.demux(stream)), None)
    except av.FFmpegError:
        return None
    if packet is None or not packet.is_keyframe or packet.pts is None:
        return None
    return (Place(first_stamp, packet.pts), target) if first_stamp <= packet.pts <= wanted else None


def _find_by_reading(path: Path, time_s: float) -> Place | None:
    """Return the last key frame before `time_s`, having read the file up to there; None where times jump."""
    with open_video(path) as video:
        first_stamp, time_base = first_stamp_of(video), video.stream.time_base
        if first_stamp is None or time_base is None:
            return None
        wanted = _stamp_at(video, first_stamp, time_s - LEAD_S)
    found, last = None, first_stamp
    behind, ahead = int(MAX_REORDER_S / time_base), int(MAX_STILL_S / time_base)
    with open_video(path) as video:
        try:
            for index, packet in enumerate(video.container.demux(video.stream)):
                if packet.size == 0:  # the end
                    continue
                stamp = stamp_of(video, packet)
                if stamp is None or not -behind <= stamp - last <= ahead:
                    return None
                if packet.is_keyframe and first_stamp < stamp <= wanted:
                    found = Place(first_stamp, stamp, index)
                if stamp > wanted + behind:
                    return found
                last = max(last, stamp)
        except av.FFmpegError:  # damage: what comes after it is for the reader to judge
            return None
    return found


def _stamp_at(video: OpenVideo, first_stamp: int, time_s: float) -> int:
    time_base = video.stream.time_base or 1
    zero = beginning_s(float(first_stamp * time_base), first_sound_s(video))
    return round((zero + time_s) / time_base)
