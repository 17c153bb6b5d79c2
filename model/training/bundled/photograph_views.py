"""Fixed random views of the photographs as the frozen part of the stem sees them, made once and kept on disk.

The convolutions up to the last stay as the teacher has them, so their output need be computed only once for
each view, and an epoch costs only the layers that learn.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from model.datasets.photographs import CaptionedPhotograph, centre_crop, resize
from model.precision import fast_dtype
from model.preprocessing import Preprocessing
from model.vision_transformer.mobilenet_hybrid import LAST_CHANNELS, MobileNetStem

SMALLEST_CROP = 0.35  # of the photograph's area
WIDEST_ASPECT = 4 / 3
GRID, NARROW_CHANNELS = 7, 320
"""Cells a side, and channels, of what enters the stem's last convolution."""

JITTERED = 0.5
"""How many of the random views change in light and colour, as a fraction."""
BRIGHTNESS, CONTRAST, COLOUR = 30.0, 0.25, 0.08
"""Largest changes: in grey levels, and as fractions."""

CPU = torch.device("cpu")

Picture: TypeAlias = NDArray[np.uint8]
Features: TypeAlias = NDArray[np.float16]


@dataclass(frozen=True)
class Views:
    """V views, memory-mapped: what the part of the stem that never changes makes of them."""

    maps: NDArray[np.float16]
    """(V, cells, channels) the input of the stem's last convolution."""
    pooled: NDArray[np.float16]
    """(V, features) the teacher's features: its last feature map, averaged over the cells."""
    count: int
    """Views a photograph: those of photograph i are rows i * count to (i + 1) * count."""


@dataclass(frozen=True)
class ViewRecipe:
    """How the views of a set of photographs are made."""

    stem: MobileNetStem
    """With the teacher's weights."""
    preprocessing: Preprocessing
    random_views: int
    """Views a photograph, of random crops; 0 for one of the middle, as an index sees a frame."""

    @property
    def count(self) -> int:
        """Views a photograph."""
        return max(1, self.random_views)


def make_views(photographs: Sequence[CaptionedPhotograph], recipe: ViewRecipe, folder: Path) -> Views:
    """Return the views of all photographs, made on every core or read back from ``folder``."""
    complete = folder / "complete"
    content = f"{len(photographs)} x {recipe.random_views} random views, {recipe.preprocessing}"
    if not complete.exists() or complete.read_text() != content:
        complete.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        _write_views(photographs, recipe, folder)
        complete.write_text(content)
    maps, pooled = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("maps", "pooled"))
    return Views(maps, pooled, recipe.count)


def random_view(photograph: Image.Image, size: int, generator: np.random.Generator) -> Picture:
    """Return a crop of random size, shape and place, perhaps mirrored or in another light (S, S, 3)."""
    view = random_crop(photograph, generator)
    if generator.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pixels = resize(view, size)
    return jitter(pixels, generator) if generator.random() < JITTERED else pixels


def random_crop(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Return a crop of random size, shape and place, as Inception's training took them."""
    width, height = picture.size
    area = width * height * generator.uniform(SMALLEST_CROP, 1.0)
    aspect = np.exp(generator.uniform(-np.log(WIDEST_ASPECT), np.log(WIDEST_ASPECT)))
    crop_width = min(width, max(1, round(np.sqrt(area * aspect))))
    crop_height = min(height, max(1, round(np.sqrt(area / aspect))))
    left = int(generator.integers(0, width - crop_width + 1))
    top = int(generator.integers(0, height - crop_height + 1))
    return picture.crop((left, top, left + crop_width, top + crop_height))


def jitter(pixels: Picture, generator: np.random.Generator) -> Picture:
    """Return (H, W, 3) with another contrast, brightness and tint."""
    mean = pixels.mean()
    contrast = generator.uniform(1 - CONTRAST, 1 + CONTRAST)
    tint = generator.uniform(1 - COLOUR, 1 + COLOUR, 3)
    changed = ((pixels - mean) * contrast + mean + generator.uniform(-BRIGHTNESS, BRIGHTNESS)) * tint
    clipped: Picture = changed.clip(0, 255).astype(np.uint8)
    return clipped


def _write_views(photographs: Sequence[CaptionedPhotograph], recipe: ViewRecipe, folder: Path) -> None:
    total = len(photographs) * recipe.count
    shapes = {"maps": (total, GRID**2, NARROW_CHANNELS), "pooled": (total, LAST_CHANNELS)}
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float16, shape)
        for name, shape in shapes.items()
    }
    with get_context("spawn").Pool(os.cpu_count(), _start_worker, (recipe,)) as pool:
        for index, (maps, pooled) in enumerate(pool.imap(_views, enumerate(photographs), chunksize=16)):
            rows = slice(index * recipe.count, (index + 1) * recipe.count)
            arrays["maps"][rows], arrays["pooled"][rows] = maps, pooled
    for array in arrays.values():
        array.flush()


_worker: dict[str, Any] = {}
"""A worker process's stem, in the number type that it computes in fastest, and its recipe."""


def _start_worker(recipe: ViewRecipe) -> None:
    torch.set_num_threads(1)
    _worker.update(stem=recipe.stem.to(fast_dtype(CPU)), recipe=recipe)


@torch.inference_mode()
def _views(task: tuple[int, CaptionedPhotograph]) -> tuple[Features, Features]:
    seed, photograph = task
    recipe: ViewRecipe = _worker["recipe"]
    stem: MobileNetStem = _worker["stem"]
    size = recipe.preprocessing.image_size
    picture, generator = photograph.decode(), np.random.default_rng(seed)
    views = [random_view(picture, size, generator) for _ in range(recipe.random_views)] or [
        resize(centre_crop(picture), size)
    ]
    pictures = recipe.preprocessing.to_tensor(np.stack(views)[None], CPU, fast_dtype(CPU))
    maps = stem.narrow_cells(pictures.contiguous(memory_format=torch.channels_last))
    pooled = stem.widen(maps).float().mean((2, 3))
    return maps.flatten(2).mT.to(torch.float16).numpy(), pooled.to(torch.float16).numpy()
