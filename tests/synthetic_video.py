"""Short video files made with PyAV: each function writes one kind of file and returns its path.

Every picture is one flat colour, so that a test knows which frame it sees: `shade(time)` of a plain video
grows with time, a two-scene video is red and then blue, an oriented one has a red top on blue.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.container import OutputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Codec = Literal["libx264", "libx265", "libvpx-vp9", "libsvtav1", "mpeg4", "ffv1", "magicyuv"]

RED = (200, 30, 30)
BLUE = (30, 30, 200)
GREEN = (30, 160, 30)
TICKS_PER_S = 1000
PIXEL_FORMATS = {"ffv1": "yuv444p", "libx265": "yuv420p10le", "magicyuv": "yuv444p"}


def shade(time_s: float) -> int:
    """Return the grey of a plain video's frame shown at `time_s`: 20 and 20 more each second, at most 240."""
    return min(240, 20 + round(20 * time_s))


def flat(colour: Sequence[int], width: int = 160, height: int = 96) -> Picture:
    """Return a picture (height, width, 3) of one colour."""
    return np.full((height, width, 3), colour, dtype=np.uint8)


def write_video(
    path: Path,
    pictures: Iterable[tuple[float, Picture]],
    *,
    frame_rate: float = 10.0,
    codec: Codec = "libx264",
    pixel_aspect: Fraction | None = None,
    rotation: int = 0,
) -> Path:
    """Write (second, picture) pairs; the name decides the container, `rotation` makes upright."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(frame_rate))
        started = False
        for time_s, picture in pictures:
            if not started:
                _set_up(stream, picture, pixel_aspect)
                if rotation:
                    stream.set_display_rotation(rotation)
                started = True
            container.mux(stream.encode(_frame(time_s, picture)))
        container.mux(stream.encode(None))
    return path


def write_plain(
    path: Path, duration_s: float = 3.0, frame_rate: float = 10.0, *, codec: Codec = "libx264"
) -> Path:
    """Write a video of constant rate, whose grey tells the second (see `shade`)."""
    count = round(duration_s * frame_rate)
    times = [index / frame_rate for index in range(count)]
    pictures = [(time_s, flat((shade(time_s),) * 3)) for time_s in times]
    return write_video(path, pictures, frame_rate=frame_rate, codec=codec)


def write_variable_rate(path: Path) -> Path:
    """Write 6 s: 20 frames in the first second, one still for 4 s, then 10 frames in the last second."""
    times = [index / 20 for index in range(20)] + [1.0] + [5.0 + index / 10 for index in range(10)]
    return write_video(path, [(time_s, flat((shade(time_s),) * 3)) for time_s in times])


def write_two_scenes(
    path: Path, cut_s: float = 3.0, duration_s: float = 6.0, frame_rate: float = 12.0
) -> Path:
    """Write a red scene and, from `cut_s` on, a blue one."""
    times = [index / frame_rate for index in range(round(duration_s * frame_rate))]
    pictures = [(time_s, flat(RED if time_s < cut_s else BLUE)) for time_s in times]
    return write_video(path, pictures, frame_rate=frame_rate)


def write_oriented(path: Path, rotation: int = 0, pixel_aspect: Fraction | None = None) -> Path:
    """Write 1 s of a picture that is 160x96 and red above blue once its display matrix has turned it."""
    upright = flat(BLUE)
    upright[:48] = RED
    stored = np.ascontiguousarray(np.rot90(upright, -rotation // 90))
    pictures = [(index / 10, stored) for index in range(10)]
    return write_video(path, pictures, rotation=rotation, pixel_aspect=pixel_aspect)


def write_audio_only(path: Path, duration_s: float = 1.0, cover: Picture | None = None) -> Path:
    """Write a sound file (.m4a, .mp4) with no picture, or with a still one as its attached cover."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        if cover is not None:
            _attach(container, cover)
        for start in range(0, round(duration_s * 16000), 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 16000
            frame.pts = start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_one_pixel(path: Path) -> Path:
    """Write a video of 1x1 pixels."""
    pictures = [(index / 10, flat(RED, width=1, height=1)) for index in range(5)]
    return write_video(path, pictures, codec="ffv1")


def write_truncated(path: Path, keep: float = 0.6) -> Path:
    """Write 4 s of Matroska and cut the file off, so that it claims more than it holds."""
    rng = np.random.default_rng(7)
    noise = rng.integers(0, 255, (40, 96, 160, 3), dtype=np.uint8)
    write_video(path, [(index / 10, picture) for index, picture in enumerate(noise)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    return path


def write_corrupt(path: Path) -> Path:
    """Write 4 s and overwrite a stretch in the middle of the coded pictures."""
    write_truncated(path, keep=1.0)
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(11)
    middle = len(whole) // 2
    whole[middle : middle + len(whole) // 8] = rng.bytes(len(whole) // 8)
    path.write_bytes(whole)
    return path


def write_not_a_video(path: Path) -> Path:
    """Write bytes that no container begins with."""
    path.write_bytes(b"this is no video\n" * 100)
    return path


def _attach(container: OutputContainer, cover: Picture) -> None:
    stream = container.add_stream("mjpeg", rate=1)
    stream.height, stream.width = cover.shape[:2]
    stream.pix_fmt = "yuvj420p"
    stream.disposition = Disposition.attached_pic
    container.mux(stream.encode(_frame(0.0, cover)))


def _set_up(stream: VideoStream, picture: Picture, pixel_aspect: Fraction | None) -> None:
    stream.height, stream.width = picture.shape[:2]
    stream.pix_fmt = PIXEL_FORMATS.get(stream.codec_context.name, "yuv420p")
    stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
    stream.codec_context.gop_size = 12
    stream.codec_context.thread_count = 1
    if pixel_aspect is not None:
        stream.codec_context.sample_aspect_ratio = pixel_aspect
    if stream.codec_context.name == "libx264":
        stream.options = {"preset": "ultrafast", "crf": "18"}


def _frame(time_s: float, picture: Picture) -> VideoFrame:
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    frame.pts = round(time_s * TICKS_PER_S)
    frame.time_base = Fraction(1, TICKS_PER_S)
    return frame
