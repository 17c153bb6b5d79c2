"""The photographs that the sample films are made of, with where each comes from.

They are installed with scikit-image and scikit-learn (the extra `samples`) and read from their folders, so
that nothing is ever downloaded. Only those whose documentation frees them for any use are taken; the two of
scikit-learn ask for attribution, which this table gives.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from PIL import Image


@dataclass(frozen=True)
class Photograph:
    """A photograph's file within its package, who made it, and on which terms."""

    package: Literal["skimage", "sklearn"]
    file: str
    shows: str
    origin: str
    terms: str


PHOTOGRAPHS = {
    "astronaut": Photograph(
        "skimage", "data/astronaut.png", "the astronaut Eileen Collins", "NASA Great Images", "public domain"
    ),
    "bricks": Photograph("skimage", "data/brick.png", "a brick wall", "CC0Textures, Bricks25", "CC0 1.0"),
    "cat": Photograph("skimage", "data/chelsea.png", "the cat Chelsea", "Stefan van der Walt", "CC0 1.0"),
    "coffee": Photograph(
        "skimage", "data/coffee.png", "a cup of coffee", "Rachel Michetti, Pikolo Espresso Bar", "CC0 1.0"
    ),
    "coins": Photograph(
        "skimage", "data/coins.png", "Greek coins from Pompeii", "Brooklyn Museum", "no known restrictions"
    ),
    "flower": Photograph(
        "sklearn", "datasets/images/flower.jpg", "a dahlia", "vultilion, Flickr", "CC BY 2.0"
    ),
    "galaxies": Photograph(
        "skimage", "data/hubble_deep_field.jpg", "galaxies, by the Hubble telescope", "NASA", "public domain"
    ),
    "grass": Photograph("skimage", "data/grass.png", "grass", "linolafett, DeviantArt", "CC0 1.0"),
    "photographer": Photograph(
        "skimage", "data/camera.png", "a man with a camera on a tripod", "Lav Varshney", "CC0 1.0"
    ),
    "rocket": Photograph(
        "skimage", "data/rocket.jpg", "a Falcon 9 before its launch", "SpaceX", "public domain"
    ),
    "temple": Photograph(
        "sklearn", "datasets/images/china.jpg", "a temple in China", "danielbuechele, Flickr", "CC BY 2.0"
    ),
}


class MissingPhotographsError(Exception):
    """The packages that bring the photographs are not installed, or bring them no longer."""


def load_photograph(name: str) -> Image.Image:
    """Return the photograph `name` of `PHOTOGRAPHS` in RGB; raises MissingPhotographsError."""
    photograph = PHOTOGRAPHS[name]
    found = find_spec(photograph.package)
    if found is None or found.origin is None:
        raise MissingPhotographsError(
            f"the photograph {name!r} comes with the package {photograph.package}, which is not installed: "
            "pip install 'reelseek[samples]'"
        )
    path = Path(found.origin).parent / photograph.file
    if not path.is_file():
        raise MissingPhotographsError(
            f"the installed {photograph.package} has no {photograph.file}: install the version that "
            "'reelseek[samples]' asks for"
        )
    return Image.open(path).convert("RGB")
