"""Names of reductions, as in ``centerclip:B6-4,49``: a family, and after a colon what it is to do."""

from difflib import get_close_matches
from typing import NamedTuple

from model.token_reduction.base import TokenReducer, TowerShape, Unreduced
from model.token_reduction.centerclip import CenterClip
from model.token_reduction.frame_choice import FewerFrames, SkipDuplicates
from model.token_reduction.pitome import PiToMe
from model.token_reduction.pooling import FramePooling
from model.token_reduction.sparse_sampling import SparseSampling
from model.token_reduction.spectral import Spectral
from model.token_reduction.tempme import TempMe
from model.token_reduction.tome import ToMe


class Family(NamedTuple):
    """Reducers of one kind."""

    example: str
    """A name in full."""
    reducer: type[TokenReducer]
    """What its names name."""


FAMILIES = {
    "none": Family("none", Unreduced),
    "centerclip": Family("centerclip:B6-4,49", CenterClip),
    "spectral": Family("spectral:B6-4,49", Spectral),
    "pooling": Family("pooling:B6-4", FramePooling),
    "sparse": Family("sparse:B6-4,49", SparseSampling),
    "frames": Family("frames:6", FewerFrames),
    "skip-duplicates": Family("skip-duplicates:0.02", SkipDuplicates),
    "tome": Family("tome:2", ToMe),
    "pitome": Family("pitome:2", PiToMe),
    "tempme": Family("tempme:2-2-3/2/0.7/0.9", TempMe),
}
"""The families by name, in the order in which they are listed for users."""


def parse_reduction(text: str, shape: TowerShape, frames: int) -> TokenReducer:
    """Return the reducer called ``text`` for clips of ``frames`` frames in a tower of that shape.

    A family's name alone takes its paper's proportions. Raises ValueError for an unknown name, or one that
    does not fit tower or clip.
    """
    family = find_family(text)
    name, colon, options = (part.strip() for part in text.lower().partition(":"))
    if colon and not options:
        raise ValueError(f"{text!r} says nothing after its colon: write {name}, or like {family.example}")
    reducer = family.reducer.parse(options, shape, frames)
    reducer.schedule(shape, frames)  # raises if it does not fit
    return reducer


def find_family(text: str) -> Family:
    """Return the family that the reduction called ``text`` is of; raises ValueError, naming those known."""
    name = text.lower().partition(":")[0].strip()
    if name not in FAMILIES:
        raise ValueError(
            f"{text!r} is no known token reduction{_suggest(name)}; known are {_list_examples()}"
        )
    return FAMILIES[name]


def _suggest(name: str) -> str:
    nearest = get_close_matches(name, FAMILIES, n=1)
    return f" (did you mean {nearest[0]}?)" if nearest else ""


def _list_examples() -> str:
    return ", ".join(family.example for family in FAMILIES.values())
