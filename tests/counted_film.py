"""Films whose frames carry their number as black and white squares, with a beep at known seconds.

Number and beep survive coding, scaling and turning, so that a test can say what is shown when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

SQUARE = 16
BITS = 10
WIDTH, HEIGHT = SQUARE * BITS, 64
RATE = 48_000
BEEP_S = 0.05
TICKS = 120_000

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Film:
    """How a film is written."""

    times: Sequence[Fraction]
    """When each frame is shown."""
    end: Fraction
    rotation: int = 0
    pixel_aspect: Fraction | None = None
    beeps: Sequence[float] = ()
    """Seconds at which it beeps; none for a film without sound."""
    sound_end: float | None = None
    sound_start: float = 0.0
    sound_rate: int = RATE
    gop: int = 30


def steady(rate: Fraction, seconds: float, **how: Any) -> Film:
    """Return a film of constant rate."""
    count = round(seconds * rate)
    return Film([index / rate for index in range(count)], count / rate, **how)


def numbered(number: int) -> Picture:
    """Return the picture of frame ``number`` (HEIGHT, WIDTH, 3): white squares in its upper half are ones."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for bit in range(BITS):
        if number >> bit & 1:
            picture[: HEIGHT // 2, bit * SQUARE : (bit + 1) * SQUARE] = 255
    picture[HEIGHT // 2 :, : WIDTH // 2] = (200, 30, 30)
    return picture


def number_of(picture: Picture) -> int:
    """Return the number that a picture of any size carries."""
    height, width, _ = picture.shape
    row = picture[height // 4].mean(axis=1)
    middles = [row[int((bit + 0.5) * width / BITS)] for bit in range(BITS)]
    return sum(1 << bit for bit, light in enumerate(middles) if light > 127)


def write_film(path: Path, film: Film) -> Path:
    """Write a film; the name decides the container."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=Fraction(30))
        upright = numbered(0)
        stored = np.rot90(upright, -film.rotation // 90)
        video.height, video.width = stored.shape[:2]
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = Fraction(1, TICKS)
        video.codec_context.gop_size = film.gop
        video.codec_context.thread_count = 1
        video.options = {"preset": "ultrafast", "crf": "10"}
        if film.pixel_aspect is not None:
            video.codec_context.sample_aspect_ratio = film.pixel_aspect
        if film.rotation:
            video.set_display_rotation(film.rotation)
        sound = container.add_stream("aac", rate=film.sound_rate, layout="mono") if film.beeps else None
        ends = [*film.times[1:], film.end]
        for number, (time, end) in enumerate(zip(film.times, ends, strict=True)):
            turned = np.ascontiguousarray(np.rot90(numbered(number), -film.rotation // 90))
            frame = av.VideoFrame.from_ndarray(turned, format="rgb24")
            frame.pts, frame.time_base = round(time * TICKS), Fraction(1, TICKS)
            frame.duration = round((end - time) * TICKS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            for heard in _beeps(film):
                container.mux(sound.encode(heard))
            container.mux(sound.encode(None))
    return path


def numbers_shown(path: Path) -> list[tuple[float, int]]:
    """Return when each frame of a film is shown, and its number."""
    with av.open(str(path)) as container:
        return [
            (frame.time or 0.0, number_of(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)))
            for frame in container.decode(video=0)
        ]


def beeps_heard(path: Path) -> list[float]:
    """Return the seconds at which beeps begin."""
    with av.open(str(path)) as container:
        loud: list[float] = []
        for frame in container.decode(audio=0):
            samples = np.abs(frame.to_ndarray()[0])
            start_s = frame.time or 0.0
            loud += [start_s + index / frame.sample_rate for index in np.flatnonzero(samples > 0.2)]
    return [second for index, second in enumerate(loud) if index == 0 or second - loud[index - 1] > BEEP_S]


def _beeps(film: Film) -> list[av.AudioFrame]:
    rate = film.sound_rate
    end_s = film.sound_end if film.sound_end is not None else float(film.end)
    seconds = film.sound_start + np.arange(round((end_s - film.sound_start) * rate)) / rate
    is_loud = np.zeros(len(seconds), bool)
    for beep in film.beeps:
        is_loud |= (seconds >= beep) & (seconds < beep + BEEP_S)
    wave = np.where(is_loud, 0.8 * np.sin(2 * np.pi * 1000 * seconds), 0).astype(np.float32)
    frames = []
    for start in range(0, len(wave), 1024):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = start + round(film.sound_start * rate)
        frames.append(frame)
    return frames
