"""High dynamic range in, an ordinary picture out: PQ (SMPTE ST 2084) and HLG (ARIB STD-B67) to BT.709.

- White of 203 nits (ITU-R BT.2408) becomes nearly white; up to 1,000 nits is told apart, above is white.
- Brightness is rolled off by the largest of R, G and B, so that a bright colour keeps its hue.
- The mapping is computed once, for a cube of colours, and looked up by FFmpeg's ``haldclut`` between them:
  6 ms for a picture of 480x270, on pictures that were scaled down before. swscale's own takes 110 ms for any
  size, and clips all above white.
"""

from fractions import Fraction
from functools import cache

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc
from numpy.typing import NDArray

from indexer.errors import IndexingError

HIGH_DYNAMIC_RANGE = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)

WHITE_NITS = 203.0
PEAK_NITS = 1000.0
"""What HLG is defined for, and most HDR films are mastered at."""

KNEE = 0.75
"""Of white: below, brightness is kept as it is."""

DISPLAY_GAMMA = 2.4
"""Of the screens that ordinary video is made for (ITU-R BT.1886)."""

CUBE_LEVEL = 8
"""haldclut's size: a cube of 64 x 64 x 64 colours, as a picture of 512 x 512."""

BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593])
BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)
"""ITU-R BT.2087, inverted."""

_TICK = Fraction(1, 1000)

Colours = NDArray[np.float64]


def is_high_dynamic_range(frame: VideoFrame) -> bool:
    """Return whether the colours of ``frame`` are PQ or HLG."""
    return frame.color_trc in HIGH_DYNAMIC_RANGE


class ToneMapper:
    """Maps the pictures of one size, transfer and primaries; another one begins anew."""

    def __init__(self) -> None:
        """Build nothing before the first picture."""
        self._made_for: tuple[int, int, int, bool] | None = None
        self._lookup: Lookup | None = None
        self._count = 0

    def mapped(self, picture: VideoFrame, trc: int, primaries: int) -> VideoFrame:
        """Return an rgb48le ``picture``, whose colours are those of ``trc``, as ordinary rgb48le."""
        is_wide = primaries != ColorPrimaries.BT709
        wanted = (picture.width, picture.height, trc, is_wide)
        if self._lookup is None or wanted != self._made_for:
            self._lookup, self._made_for = Lookup(picture, _cube(trc, is_wide)), wanted
        picture.pts, picture.time_base = self._count, _TICK
        self._count += 1
        return self._lookup.mapped(picture)


class Lookup:
    """FFmpeg's ``haldclut`` for pictures of one size and a cube of colours."""

    def __init__(self, picture: VideoFrame, colours: NDArray[np.uint16]) -> None:
        """Build the graph for pictures like ``picture``."""
        cube = VideoFrame.from_ndarray(colours, format="rgb48le")
        cube.pts, cube.time_base = 0, _TICK
        self._graph = graph = Graph()  # its parts do not keep it alive
        graph.threads = 1
        self._source, table = (
            graph.add_buffer(width=one.width, height=one.height, format=one.format, time_base=_TICK)
            for one in (picture, cube)
        )
        lookup, self._sink = graph.add("haldclut"), graph.add("buffersink")
        self._source.link_to(lookup, 0, 0)
        table.link_to(lookup, 0, 1)
        lookup.link_to(self._sink)
        graph.configure()
        table.push(cube)
        table.push(None)

    def mapped(self, picture: VideoFrame) -> VideoFrame:
        """Return an rgb48le ``picture`` in other colours."""
        self._source.push(picture)
        mapped = self._sink.pull()
        if not isinstance(mapped, VideoFrame):
            raise IndexingError("a high dynamic range picture could not be mapped")
        return mapped


def to_ordinary(signal: Colours, trc: int, is_wide: bool = True) -> Colours:
    """Return colours (..., 3), 0 to 1 in the signal of ``trc``, as BT.709 for an ordinary screen, 0 to 1.

    ``is_wide``: their primaries are those of BT.2020.
    """
    nits = _pq_nits(signal) if trc == ColorTrc.SMPTE2084 else _hlg_nits(signal)
    light = nits / WHITE_NITS
    if is_wide:
        light = np.maximum(light @ BT2020_TO_BT709.T, 0.0)
    brightest = light.max(axis=-1, keepdims=True)
    rolled = _rolled_off(brightest)
    scaled = light * np.divide(rolled, brightest, out=np.ones_like(rolled), where=brightest > 0)
    ordinary: Colours = np.clip(scaled, 0.0, 1.0) ** (1 / DISPLAY_GAMMA)
    return ordinary


def _rolled_off(light: Colours) -> Colours:
    """Return light (1 is white) with all up to PEAK_NITS below 1: Reinhard's curve above the knee."""
    peak = (PEAK_NITS / WHITE_NITS - KNEE) / (1 - KNEE)
    over = np.clip((light - KNEE) / (1 - KNEE), 0.0, peak)
    bent: Colours = KNEE + (1 - KNEE) * over * (1 + over / peak**2) / (1 + over)
    return np.where(light > KNEE, bent, light)


def _pq_nits(signal: Colours) -> Colours:
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = signal ** (1 / m2)
    nits: Colours = 10_000.0 * (np.maximum(root - c1, 0.0) / (c2 - c3 * root)) ** (1 / m1)
    return nits


def _hlg_nits(signal: Colours) -> Colours:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luma = (scene @ BT2020_LUMA)[..., None]
    nits: Colours = PEAK_NITS * luma**0.2 * scene  # the screen's gamma of 1.2
    return nits


@cache
def _cube(trc: int, is_wide: bool) -> NDArray[np.uint16]:
    side = CUBE_LEVEL**2
    steps = np.arange(side) / (side - 1)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    ordinary = to_ordinary(np.stack([red, green, blue], axis=-1), trc, is_wide)
    return np.round(ordinary * 65535).astype(np.uint16).reshape(CUBE_LEVEL**3, CUBE_LEVEL**3, 3)
