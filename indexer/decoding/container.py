"""Opening a video container, trusting nothing in it.

- Containers and protocols are allow-listed: playlists and concat scripts would open other files or addresses.
- Codecs are allow-listed twice: FFmpeg's `codec_whitelist` holds while a file is opened, when FFmpeg decodes
  the first frames of every stream to see what they are, but not for the decoder that we are given then.
- The pixel limit is given to the decoder, because a stream may grow after its header was checked.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from indexer.decoding.allowed_codecs import ALL_CODECS, CONTAINERS, VIDEO_CODECS
from indexer.errors import (
    EmptyFile,
    MediaMissing,
    NotAVideo,
    NoVideoStream,
    PictureTooLarge,
    UnsupportedCodec,
)

MAX_PIXELS = 8192 * 4320
"""The largest picture of 8K cinema; more is a mistake or a bomb."""


@dataclass(frozen=True)
class OpenVideo:
    """An open container and the one video stream in it that we read."""

    container: InputContainer
    stream: VideoStream


@contextmanager
def open_video(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[OpenVideo]:
    """Open the file at the absolute `path` and choose its video stream.

    Raises ValueError for a relative path, and the IndexingError that says why the file is refused.
    """
    if not path.is_absolute():
        raise ValueError(f"path {str(path)!r} is relative: pass an absolute path")
    _require_bytes(path)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": CONTAINERS,
        "codec_whitelist": ALL_CODECS,
        "max_pixels": str(max_pixels),
    }
    try:
        container = av.open(str(path), options=options, metadata_errors="replace")
    except MemoryError:
        raise
    except av.FFmpegError as error:
        raise NotAVideo(f"{path.name} is not a video in a known container: {error.strerror}") from error
    with container:
        stream = _video_stream(container, path)
        _require_allowed(stream, path, max_pixels)
        stream.codec_context.options = {"max_pixels": str(max_pixels)}
        stream.thread_type = "AUTO"
        yield OpenVideo(container, stream)


def _require_bytes(path: Path) -> None:
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise MediaMissing(f"{path} cannot be read: {error.strerror}") from error
    if not path.is_file() or not os.access(path, os.R_OK):
        raise MediaMissing(f"{path} cannot be read: it is not a file, or access to it is denied")
    if size_bytes == 0:
        raise EmptyFile(f"{path.name} is empty (0 bytes): copy or upload it again")


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the default stream, else the largest, of those that move: cover pictures are no video."""
    moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not moving:
        kinds = sorted({str(stream.type) for stream in container.streams})
        raise NoVideoStream(f"{path.name} has no video stream (streams: {', '.join(kinds) or 'none'})")
    return max(moving, key=lambda s: (bool(s.disposition & Disposition.default), _pixels(s)))


def _codec(stream: VideoStream) -> VideoCodecContext | None:
    # PyAV's types do not say so, but a stream of a codec that FFmpeg does not know has no codec context.
    return stream.codec_context


def _pixels(stream: VideoStream) -> int:
    codec = _codec(stream)
    return codec.width * codec.height if codec else 0


def _require_allowed(stream: VideoStream, path: Path, max_pixels: int) -> None:
    codec = _codec(stream)
    if codec is None or codec.name not in VIDEO_CODECS:
        name = codec.name if codec else "something unknown"
        raise UnsupportedCodec(f"{path.name} is coded as {name}, which is not supported: convert it to H.264")
    if _pixels(stream) > max_pixels:
        raise PictureTooLarge(
            f"{path.name} is {stream.width}x{stream.height} pixels, more than the limit of {max_pixels}: "
            "convert it to a smaller picture"
        )
