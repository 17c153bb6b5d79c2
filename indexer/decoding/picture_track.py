"""The pictures of a cut: upright, with square pixels, in ordinary colours, as H.264 that plays anywhere.

Every frame keeps its own time, so that a variable rate stays variable.
"""

import math
from fractions import Fraction

import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)
from av.video.stream import VideoStream

from indexer.decoding.orientation import UPRIGHT, Orientation
from indexer.decoding.plans import CutPlan
from indexer.decoding.reader import TimedFrame
from indexer.decoding.rgb_scaler import HD_LINES, FieldChooser, RgbScaler, has_alpha
from indexer.decoding.tone_mapping import is_high_dynamic_range

MIN_TICKS_PER_S = 90_000

ENCODER_THREADS = 4
"""Each keeps frames of its own, and the process has a memory limit."""

ENCODER = {"preset": "veryfast", "crf": "20", "profile": "high", "bf": "0"}
"""Without B-frames every frame is coded when it is shown: an mp4 can then tell each one's time exactly."""

KEY_FRAME_EVERY_S = 2.0

_RGB, _BT709, _UNSPECIFIED, _SMPTE170M = 0, 1, 2, 6  # AVCOL_SPC_…


class PictureTrack:
    """The H.264 stream of a cut."""

    def __init__(self, container: OutputContainer, first: TimedFrame, rate: Fraction, plan: CutPlan) -> None:
        """Add a stream to `container` for frames like `first`, of which there are about `rate` a second."""
        self._container = container
        self._reformatter, self._fields, self._colours = VideoReformatter(), FieldChooser(), RgbScaler()
        self._size = _scaled_size(first, plan)
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
        codec.width, codec.height = (height, width) if first.orientation.swaps_sides else (width, height)
        codec.pix_fmt = "yuv420p"
        codec.time_base = self._time_base
        codec.gop_size = max(1, round(KEY_FRAME_EVERY_S * rate))
        codec.thread_count = ENCODER_THREADS
        codec.color_range = ColorRange.MPEG
        if _needs_conversion(frame):
            codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
            codec.colorspace = _BT709
        else:
            codec.color_primaries, codec.color_trc = frame.color_primaries, frame.color_trc
            codec.colorspace = _named_colorspace(frame)
        return stream

    def _prepared(self, timed: TimedFrame) -> VideoFrame:
        width, height = self._size
        if _needs_conversion(timed.frame):
            ordinary = VideoFrame.from_ndarray(self._colours.scaled(timed.frame, width, height))
            matrix = Colorspace.ITU709
        else:
            ordinary, matrix = self._fields.shown(timed.frame), None
        scaled = self._reformatter.reformat(
            ordinary,
            width=width,
            height=height,
            format="yuv420p",
            interpolation=Interpolation.BICUBIC,
            dst_colorspace=matrix,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        return _upright(scaled, timed.orientation)

    def _mux(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration)
            self._container.mux(packet)


def _needs_conversion(frame: VideoFrame) -> bool:
    """Return whether the colours of `frame` are not those that every player shows."""
    return is_high_dynamic_range(frame) or has_alpha(frame.format)


def _named_colorspace(frame: VideoFrame) -> int:
    """Return the matrix of a frame's colours; players guess it by the height, which scaling changes."""
    if frame.colorspace in (_RGB, _UNSPECIFIED):
        return _BT709 if frame.height >= HD_LINES and frame.colorspace != _RGB else _SMPTE170M
    return frame.colorspace


def _scaled_size(timed: TimedFrame, plan: CutPlan) -> tuple[int, int]:
    """Return width and height of a frame with square pixels, before turning: even, and not too large."""
    width, height = timed.frame.width * timed.aspect, float(timed.frame.height)
    long_side, short_side = max(width, height), min(width, height)
    scale = min(1.0, plan.long_px / long_side, plan.short_px / short_side)
    return max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2))


def _upright(frame: VideoFrame, orientation: Orientation) -> VideoFrame:
    """Return a yuv420p `frame` as it is to be shown."""
    if orientation == UPRIGHT:
        return VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")
    width, height = frame.width, frame.height
    whole = frame.to_ndarray().reshape(-1)
    luma, chroma = width * height, width * height // 4
    planes = (
        whole[:luma].reshape(height, width),
        whole[luma : luma + chroma].reshape(height // 2, width // 2),
        whole[luma + chroma :].reshape(height // 2, width // 2),
    )
    turned = [orientation.upright(plane) for plane in planes]
    rows, columns = turned[0].shape
    stacked = np.concatenate([plane.reshape(-1) for plane in turned]).reshape(rows * 3 // 2, columns)
    return VideoFrame.from_ndarray(stacked, format="yuv420p")
