"""Small videos with subtitle streams, written with PyAV, for tests of what is said in them."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.subtitles.stream import SubtitleStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tests.synthetic_video import flat, shade

Said = tuple[float, float, str]
"""Start and end in seconds, and the words."""

MILLISECONDS = Fraction(1, 1000)
ASS_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,16

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def write_subtitled(
    path: Path,
    said: Mapping[str, Sequence[Said]],
    *,
    codec: str = "subrip",
    duration_s: float = 3.0,
    first_s: float = 0.0,
) -> Path:
    """Write a grey video with one stream a language of ``said``; its first frame has the time ``first_s``."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        streams = {language: _add_subtitles(container, codec, language) for language in said}
        _write_cues(container, streams, said, codec)
        _write_frames(container, video, duration_s, first_s)
    return path


def _add_subtitles(container: OutputContainer, codec: str, language: str) -> SubtitleStream:
    stream = container.add_stream(codec)
    assert isinstance(stream, SubtitleStream)
    stream.codec_context.subtitle_header = ASS_HEADER
    stream.time_base = stream.codec_context.time_base = MILLISECONDS
    stream.metadata["language"] = language
    return stream


def _write_cues(
    container: OutputContainer, streams: Mapping[str, Stream], said: Mapping[str, Sequence[Said]], codec: str
) -> None:
    for language, stream in streams.items():
        for number, (start_s, end_s, words) in enumerate(said[language]):
            packet = Packet(_payload(codec, number, words))
            packet.stream = stream
            packet.time_base = MILLISECONDS
            packet.pts = packet.dts = round(start_s * 1000)
            packet.duration = round((end_s - start_s) * 1000)
            container.mux(packet)


def _payload(codec: str, number: int, words: str) -> bytes:
    text = words.encode()
    if codec == "mov_text":
        return len(text).to_bytes(2, "big") + text
    if codec == "ass":
        return f"{number},0,Default,,0,0,0,,".encode() + text
    return text


def _write_frames(container: OutputContainer, video: VideoStream, duration_s: float, first_s: float) -> None:
    for index in range(round(duration_s * 10)):
        frame = VideoFrame.from_ndarray(flat((shade(index / 10),) * 3), format="rgb24")
        frame.time_base = MILLISECONDS
        frame.pts = round(1000 * (first_s + index / 10))
        container.mux(video.encode(frame))
    container.mux(video.encode(None))
