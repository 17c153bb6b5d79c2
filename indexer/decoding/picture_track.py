"""The pictures of a cut: upright, with square pixels, as H.264 that plays anywhere.

Every frame keeps its own time, so that a variable rate stays variable.
"""

import math
from fractions import Fraction

import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from indexer.decoding.reader import TimedFrame

MAX_LONG_SIDE, MAX_SHORT_SIDE = 3840, 2160
"""The largest picture that hardware decoders of H.264 take; a larger one is scaled down."""

MIN_TICKS_PER_S = 90_000

ENCODER_THREADS = 4
"""Each keeps frames of its own, and the process has a memory limit."""

ENCODER = {"preset": "veryfast", "crf": "20", "profile": "high", "bf": "0"}
"""Without B-frames every frame is coded when it is shown: an mp4 can then tell each one's time exactly."""

KEY_FRAME_EVERY_S = 2.0

_RGB = 0  # AVCOL_SPC_RGB


class PictureTrack:
    """The H.264 stream of a cut."""

    def __init__(self, container: OutputContainer, first: TimedFrame, rate: Fraction) -> None:
        """Add a stream to `container` for frames like `first`, of which there are about `rate` a second."""
        self._container = container
        self._reformatter = VideoReformatter()
        self._size = _scaled_size(first)
        self._time_base = Fraction(1, rate.numerator * math.ceil(MIN_TICKS_PER_S / rate.numerator))
        self._stream = self._add_stream(first, rate)
        self._durations: dict[int, int] = {}
        self.is_empty = True
        """Whether nothing was shown for any time yet."""

    def write(self, timed: TimedFrame, start_s: float, end_s: float) -> None:
        """Show a frame from `start_s` to `end_s`, seconds of the cut; for no time at all it is left out."""
        pts, end = (round(second / self._time_base) for second in (start_s, end_s))
        if end <= pts:
            return
        frame = self._prepared(timed)
        frame.pts, frame.time_base = pts, self._time_base
        self._durations[pts] = end - pts
        self.is_empty = False
        self._mux(frame)

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._mux(None)

    def _add_stream(self, first: TimedFrame, rate: Fraction) -> VideoStream:
        stream = self._container.add_stream("libx264", rate=rate, options=ENCODER)
        width, height = self._size
        codec, frame = stream.codec_context, first.frame
        codec.width, codec.height = (height, width) if first.rotation in (90, 270) else (width, height)
        codec.pix_fmt = "yuv420p"
        codec.time_base = self._time_base
        codec.gop_size = max(1, round(KEY_FRAME_EVERY_S * rate))
        codec.thread_count = ENCODER_THREADS
        codec.color_range = ColorRange.MPEG
        codec.color_primaries, codec.color_trc = frame.color_primaries, frame.color_trc
        if frame.colorspace != _RGB:
            codec.colorspace = frame.colorspace
        return stream

    def _prepared(self, timed: TimedFrame) -> VideoFrame:
        width, height = self._size
        scaled = self._reformatter.reformat(
            timed.frame,
            width=width,
            height=height,
            format="yuv420p",
            interpolation=Interpolation.BICUBIC,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        return _turned(scaled, timed.rotation)

    def _mux(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration)
            self._container.mux(packet)


def _scaled_size(timed: TimedFrame) -> tuple[int, int]:
    """Return width and height of a frame with square pixels, before turning: even, and not too large."""
    width, height = timed.frame.width * timed.aspect, float(timed.frame.height)
    long_side, short_side = max(width, height), min(width, height)
    scale = min(1.0, MAX_LONG_SIDE / long_side, MAX_SHORT_SIDE / short_side)
    return max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2))


def _turned(frame: VideoFrame, rotation: int) -> VideoFrame:
    """Return a yuv420p `frame` turned anticlockwise by `rotation` degrees, a multiple of 90."""
    if rotation == 0:
        return VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")
    width, height = frame.width, frame.height
    whole = frame.to_ndarray().reshape(-1)
    luma, chroma = width * height, width * height // 4
    planes = (
        whole[:luma].reshape(height, width),
        whole[luma : luma + chroma].reshape(height // 2, width // 2),
        whole[luma + chroma :].reshape(height // 2, width // 2),
    )
    turned = [np.rot90(plane, rotation // 90) for plane in planes]
    rows, columns = turned[0].shape
    stacked = np.concatenate([plane.reshape(-1) for plane in turned]).reshape(rows * 3 // 2, columns)
    return VideoFrame.from_ndarray(stacked, format="yuv420p")
