"""The sound of a cut, as AAC."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from typing import Self

import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer

from indexer.decoding.sound_reader import Samples, SoundFormat, SoundReader

BIT_RATE = {"mono": 96_000, "stereo": 192_000}

FRAME_SAMPLES = 1024
"""What AAC codes at a time."""


class SoundTrack:
    """The AAC stream of a cut, which takes its samples as the pictures advance."""

    def __init__(self, container: OutputContainer, sound: SoundFormat, samples: Iterator[Samples]) -> None:
        """Add a stream to `container` for `samples` (channels, n)."""
        self._container, self._format, self._samples = container, sound, samples
        self._stream = container.add_stream("aac", rate=sound.rate, layout=sound.layout)
        self._stream.codec_context.bit_rate = BIT_RATE[sound.layout]
        self._waiting = np.zeros((1 if sound.layout == "mono" else 2, 0), np.float32)
        self._written = 0

    @classmethod
    def of(cls, container: OutputContainer, reader: SoundReader) -> Self | None:
        """Return a track of what `reader` reads; None when there is no sound."""
        samples = iter(reader)
        first = next(samples, None)
        return None if first is None else cls(container, reader.format, chain([first], samples))

    def write_until(self, second: float) -> None:
        """Write the sound before `second` of the cut, as far as there is any."""
        while self._written < second * self._format.rate:
            if self._waiting.shape[1] >= FRAME_SAMPLES:
                self._encode(FRAME_SAMPLES)
                continue
            more = next(self._samples, None)
            if more is None:
                return
            self._waiting = np.concatenate([self._waiting, more], axis=1)

    def finish(self) -> None:
        """Write the rest."""
        for more in self._samples:
            self._waiting = np.concatenate([self._waiting, more], axis=1)
            while self._waiting.shape[1] >= FRAME_SAMPLES:
                self._encode(FRAME_SAMPLES)
        while self._waiting.shape[1]:
            self._encode(min(FRAME_SAMPLES, self._waiting.shape[1]))
        self._container.mux(self._stream.encode(None))

    def _encode(self, count: int) -> None:
        samples = np.ascontiguousarray(self._waiting[:, :count])
        self._waiting = self._waiting[:, count:]
        frame = AudioFrame.from_ndarray(samples, format="fltp", layout=self._format.layout)
        frame.sample_rate = self._format.rate
        frame.time_base = Fraction(1, self._format.rate)
        frame.pts = self._written
        self._written += count
        self._container.mux(self._stream.encode(frame))
