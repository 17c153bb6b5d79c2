"""RandAugment (arXiv 1909.13719), drawn once for a video: every frame is altered alike, so motion stays.

TempMe's setting (MODEL-SPEC 2.6) in timm's reading of it, ``rand-m7-n4-mstd0.5-inc1``: four operations are
drawn, each is carried out with probability one half, at a magnitude from a normal distribution of mean 7 and
deviation 0.5, clipped to 0 … 10; a greater magnitude always alters more. The operations are timm's. Its draws
come from Python's global random numbers, for each picture anew; these come from the generator that is given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from timm.data.auto_augment import NAME_TO_OP

OPERATIONS = 4
MAGNITUDE = 7.0
MAGNITUDE_DEVIATION = 0.5
GREATEST_MAGNITUDE = 10.0
PROBABILITY = 0.5

GREY = (128, 128, 128)
"""What is seen beyond the edges of a turned, sheared or shifted picture."""

Arguments = Callable[[float], tuple[float, ...]]
"""Gives an operation's arguments for a strength from -1 to 1; 0 changes least, the sign is its direction."""


def _enhance(strength: float) -> tuple[float]:
    """Return a factor: 1 changes nothing, and 0.1 and 1.9 are the ends."""
    return (1.0 + 0.9 * strength,)


def _shear(strength: float) -> tuple[float]:
    return (0.3 * strength,)


def _shift(strength: float) -> tuple[float]:
    """Return a share of the picture."""
    return (0.45 * strength,)


ARGUMENTS: dict[str, Arguments] = {
    "AutoContrast": lambda _: (),
    "Equalize": lambda _: (),
    "Invert": lambda _: (),
    "Rotate": lambda strength: (30 * strength,),  # degrees
    "PosterizeIncreasing": lambda strength: (4 - int(4 * abs(strength)),),  # bits that are left
    "SolarizeIncreasing": lambda strength: (256 - int(256 * abs(strength)),),  # what is inverted from
    "SolarizeAdd": lambda strength: (int(110 * abs(strength)),),  # what the dark half gains
    "ColorIncreasing": _enhance,
    "ContrastIncreasing": _enhance,
    "BrightnessIncreasing": _enhance,
    "SharpnessIncreasing": _enhance,
    "ShearX": _shear,
    "ShearY": _shear,
    "TranslateXRel": _shift,
    "TranslateYRel": _shift,
}
"""The operations by timm's names, with its ranges."""

_NAMES = tuple(ARGUMENTS)


@dataclass(frozen=True)
class Alteration:
    """One operation with its arguments: the same for every picture it is given."""

    name: str
    arguments: tuple[float, ...]

    def alter(self, picture: Image.Image) -> Image.Image:
        """Return the picture altered, of the same size."""
        operation: Any = NAME_TO_OP[self.name]
        altered: Image.Image = operation(
            picture, *self.arguments, fillcolor=GREY, resample=Image.Resampling.BICUBIC
        )
        return altered


def draw_alterations(generator: np.random.Generator) -> list[Alteration]:
    """Return what is done to one video, in order: four operations at most, and one time in sixteen none."""
    drawn = []
    for place in generator.integers(len(_NAMES), size=OPERATIONS):
        is_done = generator.random() < PROBABILITY
        magnitude = float(np.clip(generator.normal(MAGNITUDE, MAGNITUDE_DEVIATION), 0.0, GREATEST_MAGNITUDE))
        direction = 1 if generator.random() < 0.5 else -1
        if is_done:
            name = _NAMES[place]
            drawn.append(Alteration(name, ARGUMENTS[name](direction * magnitude / GREATEST_MAGNITUDE)))
    return drawn


def augment(frames: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return the RGB frames of one video (F, H, W, 3), altered alike; equal generators alter equally."""
    pictures = [Image.fromarray(frame) for frame in frames]
    for alteration in draw_alterations(generator):
        pictures = [alteration.alter(picture) for picture in pictures]
    return np.stack([np.asarray(picture) for picture in pictures])
