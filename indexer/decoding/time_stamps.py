"""Which of a container's numbers say when something is shown."""

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from indexer.decoding.container import OpenVideo

ORDERED_BY_DECODING = {"avi"}
"""Containers that number frames in the order they are decoded, not shown. The decoder hands them out in the
order they are shown, each with the number of the packet that brought it out: these numbers are in order."""

RAW_STREAMS = {"h264", "hevc", "vvc", "m4v", "mpegvideo", "obu"}
"""Codec data without a container, for which FFmpeg assumes 25 frames a second whatever the codec says."""


def format_names(video: OpenVideo) -> set[str]:
    """Return FFmpeg's names of the container."""
    return set(video.container.format.name.split(","))


def stamp_of(video: OpenVideo, shown: "VideoFrame | Packet[VideoStream]") -> int | None:
    """Return the time stamp, in ticks, of a frame or packet of ``video``; None where it has none."""
    return shown.dts if ORDERED_BY_DECODING & format_names(video) else shown.pts


def first_sound_s(video: OpenVideo) -> float | None:
    """Return the second of the container at which its first sound begins; None without sound."""
    starts = [
        float(stream.start_time * stream.time_base)
        for stream in video.container.streams.audio
        if stream.start_time is not None and stream.time_base is not None
    ]
    return min(starts, default=None)


def frame_rate(video: OpenVideo) -> float | None:
    """Return the frames a second that the stream claims to have on average; None where it is silent."""
    stream = video.stream
    rates = (stream.average_rate, stream.guessed_rate)
    if RAW_STREAMS & format_names(video):
        rates = (stream.guessed_rate, stream.average_rate)
    return next((float(rate) for rate in rates if rate), None)
