"""The sound of a span of a video: decoded, resampled, laid on the pictures' clock without gap or overlap."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from indexer.decoding.allowed_codecs import SOUND_CODECS
from indexer.decoding.container import OpenVideo, open_video
from indexer.decoding.seeking import is_indexed, zero_s

LEAD_S = 1.0
"""Begin earlier by this much: some decoders need the sound before."""

DRIFT_S = 0.02
"""Time stamps off by more move the sound; by less, it goes on without a click."""

SAMPLE_RATES = (44_100, 48_000)
"""What every player takes; other rates become the last of them."""

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class SoundFormat:
    """How the samples come."""

    rate: int
    layout: str


class SoundReader:
    """The sound from `start_s` to `end_s` of the file at an absolute path, in seconds of its pictures."""

    def __init__(self, path: Path, start_s: float, end_s: float) -> None:
        """Remember what to read; iterating opens the file. `format` is known then."""
        self._path = path
        self._start_s, self._end_s = start_s, end_s
        self.format = SoundFormat(SAMPLE_RATES[-1], "stereo")

    def __iter__(self) -> Iterator[Samples]:
        """Yield the samples (channels, n) of the span in order; nothing for a video without usable sound."""
        with open_video(self._path) as video:
            zero = zero_s(video)
        with open_video(self._path) as video:
            stream = video.container.streams.best("audio")
            if not isinstance(stream, AudioStream) or not _is_usable(stream):
                return
            self.format = _format_for(stream)
            _seek(video, stream, zero + self._start_s - LEAD_S)
            yield from self._laid_out(self._chunks(video, stream, zero))

    def _chunks(self, video: OpenVideo, stream: AudioStream, zero: float) -> Iterator[tuple[float, Samples]]:
        """Yield resampled sound with the second of its first sample; damaged packets are passed over."""
        resampler = _Resampler(self.format)
        next_s = -zero
        for frame in _decoded(video, stream, zero + self._start_s - LEAD_S):
            if frame.pts is not None and frame.time_base is not None:
                next_s = float(frame.pts * frame.time_base) - zero
            if next_s >= self._end_s:
                return
            time_s, next_s = next_s, next_s + frame.samples / frame.sample_rate
            for samples in resampler.resample(frame):
                yield time_s, samples
                time_s += samples.shape[1] / self.format.rate

    def _laid_out(self, chunks: Iterator[tuple[float, Samples]]) -> Iterator[Samples]:
        rate = self.format.rate
        total = round((self._end_s - self._start_s) * rate)
        position, is_first = 0, True
        for time_s, chunk in chunks:
            place = round((time_s - self._start_s) * rate)
            if not is_first and abs(place - position) <= DRIFT_S * rate:
                place = position
            if place + chunk.shape[1] <= position:
                continue
            is_first = False
            if place > position:
                yield np.zeros((chunk.shape[0], min(place, total) - position), np.float32)
                position = min(place, total)
            kept = chunk[:, position - place : total - place]
            position += kept.shape[1]
            if kept.shape[1]:
                yield kept
            if position >= total:
                return


class _Resampler:
    """Resamples frames whose own format may change on the way."""

    def __init__(self, wanted: SoundFormat) -> None:
        self._wanted = wanted
        self._source: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def resample(self, frame: AudioFrame) -> Iterator[Samples]:
        source = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or source != self._source:
            self._source = source
            self._resampler = AudioResampler("fltp", self._wanted.layout, self._wanted.rate)
        frame.pts = None  # the place of the sound is kept by counting samples
        for resampled in self._resampler.resample(frame):
            yield resampled.to_ndarray().astype(np.float32, copy=False)


def _is_usable(stream: AudioStream) -> bool:
    # PyAV's types do not say so, but a stream of a codec that FFmpeg does not know has no codec context.
    codec = stream.codec_context
    return bool(codec) and codec.name in SOUND_CODECS and codec.sample_rate > 0


def _format_for(stream: AudioStream) -> SoundFormat:
    rate = stream.codec_context.sample_rate
    layout = "mono" if stream.codec_context.channels == 1 else "stereo"
    return SoundFormat(rate if rate in SAMPLE_RATES else SAMPLE_RATES[-1], layout)


def _seek(video: OpenVideo, stream: AudioStream, clock_s: float) -> None:
    """Go to the sound at `clock_s` of the container's own clock where it finds its way; else stay."""
    if clock_s <= 0 or stream.time_base is None or not is_indexed(video):
        return
    try:
        video.container.seek(int(clock_s / stream.time_base), stream=stream)
    except av.FFmpegError:
        with suppress(av.FFmpegError):  # a damaged index: what follows is laid out by its own time stamps
            video.container.seek(0, stream=stream)


def _decoded(video: OpenVideo, stream: AudioStream, from_s: float) -> Iterator[AudioFrame]:
    try:
        for packet in video.container.demux(stream):
            if packet.pts is not None and float(packet.pts * packet.time_base) < from_s:
                continue
            try:
                yield from packet.decode()
            except MemoryError:
                raise
            except av.FFmpegError:
                continue
    except av.FFmpegError:  # the file breaks off
        return
