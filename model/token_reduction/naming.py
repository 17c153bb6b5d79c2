"""Names of reductions: ``none``, ``centerclip`` and ``centerclip:B6-4,49``."""

import re

from model.token_reduction.base import TokenReducer
from model.token_reduction.centerclip import CenterClip

NONE = "none"
CENTERCLIP = "centerclip"
KNOWN_NAMES = (
    f"{NONE}, centerclip, centerclip:B6-4,49 (after block 6, each of 4 segments of a clip keeps 49 tokens)"
)

FRAMES_PER_SEGMENT = 3
"""The paper's choice for its 12 frames (4 segments), and one of its choices for 60 (20)."""

MANY_PATCHES = 100
"""Above this a segment keeps fewer tokens than a frame had: the paper keeps 49 of 49, but 160 of 196."""

_CENTERCLIP = re.compile(r"centerclip:B(\d+)-(\d+),(\d+)", re.IGNORECASE)


def parse_reduction(text: str, *, layers: int, frames: int, patches: int) -> TokenReducer | None:
    """Return the reducer called ``text`` for clips of ``frames`` frames, or None for ``none``.

    The tower has ``layers`` blocks and ``patches`` patch tokens a frame. Plain ``centerclip`` takes the
    paper's proportions. Raises ValueError for an unknown name, or one that does not fit tower or clip.
    """
    name = text.strip()
    if name.lower() == NONE:
        return None
    if name.lower() == CENTERCLIP:
        reducer = CenterClip(layers // 2, default_segments(frames), _default_tokens(patches))
    elif match := _CENTERCLIP.fullmatch(name):
        reducer = CenterClip(*(int(number) for number in match.groups()))
    else:
        raise ValueError(f"{text!r} is no known token reduction; known are {KNOWN_NAMES}")
    reducer.schedule(layers=layers, frames=frames, patches=patches)  # raises if it does not fit
    return reducer


def default_segments(frames: int) -> int:
    """Return into how many equal parts a clip of ``frames`` is divided: of 3 frames each, or more."""
    wanted = max(1, frames // FRAMES_PER_SEGMENT)
    return max(count for count in range(1, wanted + 1) if frames % count == 0)


def _default_tokens(patches: int) -> int:
    return round(patches * 160 / 196) if patches > MANY_PATCHES else patches
