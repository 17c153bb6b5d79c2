"""Short videos of the odd kinds that cameras, phones and editors write, made with PyAV.

What is in a picture survives coding, scaling and turning: numbers (see `counted_film`), four colours, greys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from numpy.typing import NDArray

from indexer.decoding.orientation import UPRIGHT, Orientation
from tests.counted_film import numbered

Picture = NDArray[np.uint8]

WIDTH, HEIGHT = 160, 96
RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 160, 30), (30, 30, 200), (230, 230, 230)
CORNERS = (RED, GREEN, BLUE, WHITE)
"""Of an upright picture: top left, top right, bottom left, bottom right."""

DARK, LIGHT = 60, 220
ENCODER = {"libx264": {"crf": "12", "bf": "3"}, "libx265": {"x265-params": "log-level=0"}}
NITS = (1, 10, 50, 100, 203, 400, 600, 1000)


def four_colours() -> Picture:
    """Return a picture (HEIGHT, WIDTH, 3) with another colour in each corner."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for corner, colour in enumerate(CORNERS):
        top, left = corner // 2 * HEIGHT // 2, corner % 2 * WIDTH // 2
        picture[top : top + HEIGHT // 2, left : left + WIDTH // 2] = colour
    return picture


def corners_of(picture: Picture) -> Picture:
    """Return the colours (4, 3) in the middles of a picture's quarters."""
    height, width, _ = picture.shape
    places = [(height // 4, width // 4), (height // 4, 3 * width // 4)]
    places += [(3 * height // 4, width // 4), (3 * height // 4, 3 * width // 4)]
    return np.array([picture[row, column] for row, column in places], np.uint8)


def write_turned(path: Path, orientation: Orientation) -> Path:
    """Write 1 s of `four_colours`, stored so that its display matrix makes it upright."""
    upright = four_colours()
    mirrored = upright[:, ::-1] if orientation.is_mirrored else upright
    stored = np.ascontiguousarray(np.rot90(mirrored, -orientation.rotation // 90))
    frames = [VideoFrame.from_ndarray(stored, format="rgb24") for _ in range(10)]
    return _write(path, frames, Coding(orientation=orientation))


def write_four_colours(path: Path, codec: str, pixels: str, pixel_aspect: Fraction | None = None) -> Path:
    """Write 1 s of `four_colours` in the pixel format `pixels`."""
    frames = [VideoFrame.from_ndarray(four_colours(), format="rgb24") for _ in range(10)]
    return _write(path, frames, Coding(codec, pixels, pixel_aspect=pixel_aspect))


def write_transparent(path: Path, codec: str, pixels: str) -> Path:
    """Write 1 s of white that is opaque in its left half and cannot be seen in its right half."""
    picture = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    picture[:, WIDTH // 2 :, 3] = 0
    frames = [VideoFrame.from_ndarray(picture, format="rgba") for _ in range(10)]
    return _write(path, frames, Coding(codec, pixels))


def write_interlaced(path: Path, codec: str = "libx264") -> Path:
    """Write 1 s of a light column that moves from field to field: whole frames show a comb."""
    graph = Graph()
    source = graph.add_buffer(
        width=WIDTH, height=HEIGHT, format=av.VideoFormat("yuv420p"), time_base=Fraction(1, 10)
    )
    marked, sink = graph.add("setfield", "tff"), graph.add("buffersink")
    source.link_to(marked)
    marked.link_to(sink)
    graph.configure()
    frames = []
    for number in range(10):
        picture = np.full((HEIGHT, WIDTH, 3), DARK, np.uint8)
        for field in (0, 1):
            left = 16 * number % 96 + 16 * field
            picture[field::2, left : left + 32] = LIGHT
        frame = VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, 10)
        graph.push(frame)
        marked_frame = graph.pull()
        assert isinstance(marked_frame, VideoFrame)
        frames.append(marked_frame)
    return _write(path, frames, Coding(codec, is_interlaced=True))


def write_high_dynamic_range(path: Path, trc: ColorTrc) -> Path:
    """Write 1 s of eight grey columns, on a screen as bright as NITS says, in BT.2020, `trc` and 10 bits."""
    signal = _pq(np.array(NITS)) if trc == ColorTrc.SMPTE2084 else _hlg(np.array(NITS))
    luma = np.repeat(64 + np.round(876 * signal), WIDTH // len(NITS)).astype(np.uint16)
    frames = []
    for _ in range(10):
        frame = VideoFrame(WIDTH, HEIGHT, "yuv420p10le")
        for index, plane in enumerate(frame.planes):
            rows = np.full((plane.height, plane.line_size // 2), 512, np.uint16)
            if index == 0:
                rows[:, : plane.width] = luma
            plane.update(rows.tobytes())
        frames.append(frame)
    return _write(path, frames, Coding("libx265", "yuv420p10le", trc=trc))


@dataclass(frozen=True)
class Coding:
    """How pictures are written."""

    codec: str = "libx264"
    pixels: str = "yuv420p"
    orientation: Orientation = UPRIGHT
    pixel_aspect: Fraction | None = None
    trc: ColorTrc | None = None
    is_interlaced: bool = False


def _write(path: Path, frames: Sequence[VideoFrame], coding: Coding) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(coding.codec, rate=Fraction(10))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, coding.pixels
        _set_up(stream, coding)
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _set_up(stream: VideoStream, coding: Coding) -> None:
    context = stream.codec_context
    context.time_base, context.thread_count = Fraction(1, 10), 1
    if coding.pixel_aspect is not None:
        context.sample_aspect_ratio = coding.pixel_aspect
    if coding.orientation != UPRIGHT:
        stream.set_display_rotation(coding.orientation.rotation, hflip=coding.orientation.is_mirrored)
    if coding.trc is not None:
        context.color_trc, context.color_primaries = coding.trc, ColorPrimaries.BT2020
        context.colorspace, context.color_range = Colorspace.BT2020, ColorRange.MPEG
    if coding.codec == "libx264":
        stream.options = {"crf": "10", **({"x264-params": "tff=1"} if coding.is_interlaced else {})}
    elif coding.codec == "libx265":
        stream.options = {"x265-params": "log-level=0:crf=8"}
    elif coding.is_interlaced:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        context.bit_rate = 4_000_000


def write_numbered(path: Path, numbers: int = 50, rate: int = 25, **how: object) -> Path:
    """Write frames that carry their number, with three B-frames between others."""
    plan = Numbered(**how)  # type: ignore[arg-type]
    with av.open(str(path), "w", format=plan.format, options=dict(plan.options)) as container:
        stream = container.add_stream(plan.codec, rate=Fraction(rate))
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = numbered(0).shape[:2]
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, plan.ticks or rate)
        context.gop_size, context.thread_count, context.max_b_frames = 12, 1, 3
        context.bit_rate = 4_000_000
        if plan.codec in ENCODER:
            stream.options = dict(ENCODER[plan.codec])
        sound = container.add_stream("aac", rate=48_000, layout="mono") if plan.has_sound else None
        for number in range(numbers):
            frame = VideoFrame.from_ndarray(numbered(number), format="rgb24")
            second = plan.start_s + Fraction(number, rate)
            frame.pts, frame.time_base = round(second / context.time_base), context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for start in range(0, 48_000 * numbers // rate if sound else 0, 1024):
            heard = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = 48_000, start, Fraction(1, 48_000)
            container.mux(sound.encode(heard))  # type: ignore[union-attr]
        if sound:
            container.mux(sound.encode(None))
    return path


@dataclass(frozen=True)
class Numbered:
    """How numbered frames are written; `start_s` is when the first is shown, sound begins at second 0."""

    codec: str = "libx264"
    format: str | None = None
    options: Sequence[tuple[str, str]] = ()
    ticks: int | None = 90_000
    start_s: Fraction = Fraction(0)
    has_sound: bool = False


def _pq(nits: "NDArray[np.int64]") -> "NDArray[np.float64]":
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    power = (nits / 10_000) ** m1
    signal: NDArray[np.float64] = (
        (3424 / 4096 + 2413 / 4096 * 32 * power) / (1 + 2392 / 4096 * 32 * power)
    ) ** m2
    return signal


def _hlg(nits: "NDArray[np.int64]") -> "NDArray[np.float64]":
    scene = (nits / 1000) ** (1 / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)
