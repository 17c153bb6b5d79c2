"""Renders a film of camera moves over photographs: pans, zooms, cuts and cross-fades."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, Literal

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from indexer.samples.photographs import load_photograph

TICKS_PER_S = 1000

ENCODER_OPTIONS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast", "crf": "26"},
    "libsvtav1": {"preset": "10", "crf": "38"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "36", "b": "0"},
}
"""Quick rather than small: the whole set takes less than a minute on two cores."""


@dataclass(frozen=True)
class View:
    """What the camera sees of a photograph: its centre in fractions of width and height, and its zoom."""

    x: float
    y: float
    zoom: float = 1.0


@dataclass(frozen=True)
class Shot:
    """A move from one view of a photograph to another; `fade_in_s` seconds overlap the shot before."""

    photograph: str
    duration_s: float
    start: View
    end: View
    fade_in_s: float = 0.0


@dataclass(frozen=True)
class Film:
    """A file to render: its shots, and how it is coded and stored."""

    file_name: str
    shots: tuple[Shot, ...]
    frame_rate: int = 15
    width: int = 640
    height: int = 360
    codec: Literal["libx264", "libsvtav1", "libvpx-vp9"] = "libx264"
    rotation: int = 0
    """Degrees anticlockwise that a player must turn the stored picture, as phones write it."""
    has_variable_rate: bool = False

    @property
    def duration_s(self) -> float:
        """How long the film is, in seconds."""
        return sum(shot.duration_s - shot.fade_in_s for shot in self.shots)


def render(film: Film, stream: BinaryIO) -> None:
    """Write `film` to the seekable `stream`, in the container that its file name asks for."""
    os.environ.setdefault("SVT_LOG", "1")  # errors only: the encoder else prints its settings
    container_name = "webm" if film.file_name.endswith(".webm") else "mp4"
    with av.open(stream, "w", format=container_name) as container:
        video = container.add_stream(film.codec, rate=film.frame_rate, options=ENCODER_OPTIONS[film.codec])
        _set_up(video, film)
        for time_s, picture in _pictures(film):
            container.mux(video.encode(_frame(time_s, picture, film.rotation)))
        container.mux(video.encode(None))


def _set_up(video: VideoStream, film: Film) -> None:
    is_turned = film.rotation in (90, 270)
    video.width, video.height = (film.height, film.width) if is_turned else (film.width, film.height)
    video.pix_fmt = "yuv420p"
    video.codec_context.time_base = Fraction(1, TICKS_PER_S)
    video.codec_context.gop_size = 4 * film.frame_rate
    if film.rotation:
        video.set_display_rotation(film.rotation)


def _frame(time_s: float, picture: Image.Image, rotation: int) -> VideoFrame:
    stored = np.ascontiguousarray(np.rot90(np.asarray(picture), -rotation // 90))
    frame = VideoFrame.from_ndarray(stored, format="rgb24")
    frame.pts = round(time_s * TICKS_PER_S)
    frame.time_base = Fraction(1, TICKS_PER_S)
    return frame


def frame_times(film: Film) -> Iterator[float]:
    """Yield the second of each frame; at a variable rate, every other second has a third of the frames."""
    for index in range(round(film.duration_s * film.frame_rate)):
        is_thinned = film.has_variable_rate and (index // film.frame_rate) % 2 == 1
        if not is_thinned or index % 3 == 0:
            yield index / film.frame_rate


def _pictures(film: Film) -> Iterator[tuple[float, Image.Image]]:
    photographs = {shot.photograph: load_photograph(shot.photograph) for shot in film.shots}
    starts = _starts(film)
    for time_s in frame_times(film):
        shown: Image.Image | None = None
        for start_s, shot in zip(starts, film.shots, strict=True):
            into_s = time_s - start_s
            if not 0 <= into_s < shot.duration_s:
                continue
            picture = _view(photographs[shot.photograph], shot, into_s, (film.width, film.height))
            if shown is not None and into_s < shot.fade_in_s:
                picture = Image.blend(shown, picture, into_s / shot.fade_in_s)
            shown = picture
        if shown is not None:
            yield time_s, shown


def _starts(film: Film) -> list[float]:
    starts, end_s = [], 0.0
    for shot in film.shots:
        starts.append(end_s - shot.fade_in_s)
        end_s += shot.duration_s - shot.fade_in_s
    return starts


def _view(photograph: Image.Image, shot: Shot, into_s: float, size: tuple[int, int]) -> Image.Image:
    part = into_s / shot.duration_s
    moved = part * part * (3 - 2 * part)  # starts and stops gently, as a hand on a tripod does
    x, y, zoom = (
        start + (end - start) * moved
        for start, end in (
            (shot.start.x, shot.end.x),
            (shot.start.y, shot.end.y),
            (shot.start.zoom, shot.end.zoom),
        )
    )
    scale = min(photograph.width / size[0], photograph.height / size[1]) / zoom
    width, height = size[0] * scale, size[1] * scale
    left = min(max(x * photograph.width - width / 2, 0), photograph.width - width)
    top = min(max(y * photograph.height - height / 2, 0), photograph.height - height)
    return photograph.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))
