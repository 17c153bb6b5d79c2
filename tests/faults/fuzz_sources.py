"""Whole videos to damage: one of each codec and container that are common, and the shared clips."""

from fractions import Fraction
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame

RENDERED = {
    "h264.mp4": "libx264",
    "h264.mkv": "libx264",
    "h264.ts": "libx264",
    "h264.flv": "libx264",
    "hevc.mp4": "libx265",
    "vp9.webm": "libvpx-vp9",
    "av1.mkv": "libsvtav1",
    "mpeg4.avi": "mpeg4",
    "mpeg2.mpg": "mpeg2video",
    "mjpeg.mov": "mjpeg",
    "wmv2.asf": "wmv2",
    "ffv1.nut": "ffv1",
}
PIXEL_FORMATS = {"mjpeg": "yuvj420p"}
FRAMES, RATE, WIDTH, HEIGHT = 30, 15, 160, 96
WITH_SOUND = {"h264.mp4", "h264.mkv", "h264.ts"}

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
MAX_SHARED_BYTES = 600_000


def render_sources(folder: Path) -> list[Path]:
    """Write two seconds of moving shapes in each of the `RENDERED` forms, some with sound."""
    return [_render(folder / name, codec) for name, codec in RENDERED.items()]


def shared_sources() -> list[Path]:
    """Return the small ones of the shared clips and odd files; none where they are not at hand."""
    found = sorted([*SHARED.glob("clips/*"), *SHARED.glob("edge_cases/*")])
    return [path for path in found if path.suffix != ".csv" and 0 < path.stat().st_size <= MAX_SHARED_BYTES]


def _render(path: Path, codec: str) -> Path:
    chance = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(cast('Literal["libx264"]', codec), rate=RATE)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = PIXEL_FORMATS.get(codec, "yuv420p")
        stream.codec_context.gop_size = 10
        stream.codec_context.thread_count = 1
        if codec == "libx265":
            stream.options = {"x265-params": "log-level=none"}
        sound = container.add_stream("aac", rate=16_000, layout="mono") if path.name in WITH_SOUND else None
        for index in range(FRAMES):
            picture = chance.integers(0, 40, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            picture[20:60, 4 * index : 4 * index + 40] += np.uint8(150)
            frame = VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _add_sound(container, sound)
    return path


def _add_sound(container: OutputContainer, sound: AudioStream) -> None:
    for start in range(0, 2 * 16_000, 1024):
        wave = np.sin(np.arange(start, start + 1024) / 20).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16_000, start
        container.mux(sound.encode(frame))
    container.mux(sound.encode(None))
