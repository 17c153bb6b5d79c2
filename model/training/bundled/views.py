"""Fixed random views of the photographs with the teacher's features of each, made once and kept on disk.

A consistent teacher (Beyer et al. 2022, arXiv 2106.05237): student and teacher see the very same crop.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.datasets.photographs import CaptionedPhotograph, resize
from model.training.bundled.teacher import TEACHER_CHANNELS, TEACHER_GRID, TEACHER_SIZE, MobileNetTeacher

MAP_CHANNELS = 128
"""Principal components kept of the teacher's 1280 channels: they hold most of its variance."""

SMALLEST_CROP = 0.4  # of the photograph's area
PICTURES_FOR_COMPONENTS = 1000


@dataclass(frozen=True)
class Views:
    """V views, memory-mapped: what the student sees and what the teacher said of it."""

    pictures: NDArray[np.uint8]
    """(V, image_size, image_size, 3)"""
    maps: NDArray[np.float16]
    """(V, 7, 7, MAP_CHANNELS), projected on the principal components and scaled to unit variance."""
    pooled: NDArray[np.float16]
    """(V, 1280), the mean of the teacher's feature map over its cells."""
    count: int
    """Views a photograph: those of photograph i are rows i * count to (i + 1) * count."""


@dataclass(frozen=True)
class ViewRecipe:
    """How the views of a set of photographs are made."""

    crop: Callable[[Image.Image, np.random.Generator], Image.Image]
    count: int
    """Views a photograph."""
    image_size: int
    """Pixels, square: what the student sees."""
    teacher: Path


@dataclass(frozen=True)
class ViewTask:
    """What a worker process needs for the views of one photograph."""

    photograph: CaptionedPhotograph
    seed: int


def make_views(photographs: Sequence[CaptionedPhotograph], recipe: ViewRecipe, folder: Path) -> Views:
    """Return the views of all photographs, made on every core or read back from ``folder``."""
    complete = folder / "complete"
    content = f"{recipe.crop.__name__}, {recipe.count} x {len(photographs)} at {recipe.image_size} pixels"
    if not complete.exists() or complete.read_text() != content:
        complete.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        total, size = len(photographs) * recipe.count, recipe.image_size
        shapes = {
            "pictures": ((total, size, size, 3), np.uint8),
            "maps": ((total, TEACHER_GRID, TEACHER_GRID, MAP_CHANNELS), np.float16),
            "pooled": ((total, TEACHER_CHANNELS), np.float16),
        }
        arrays = {
            name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, shape)
            for name, (shape, dtype) in shapes.items()
        }
        _fill(arrays, photographs, recipe)
        complete.write_text(content)
    pictures, maps, pooled = (
        np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("pictures", "maps", "pooled")
    )
    return Views(pictures, maps, pooled, recipe.count)


def random_crop(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Return a crop of random size, shape and place, as Inception's training took them."""
    width, height = picture.size
    area = width * height * generator.uniform(SMALLEST_CROP, 1.0)
    aspect = np.exp(generator.uniform(np.log(3 / 4), np.log(4 / 3)))
    crop_width = min(width, max(1, round(np.sqrt(area * aspect))))
    crop_height = min(height, max(1, round(np.sqrt(area / aspect))))
    left = int(generator.integers(0, width - crop_width + 1))
    top = int(generator.integers(0, height - crop_height + 1))
    return picture.crop((left, top, left + crop_width, top + crop_height))


def _fill(
    arrays: Mapping[str, NDArray[Any]], photographs: Sequence[CaptionedPhotograph], recipe: ViewRecipe
) -> None:
    tasks = [ViewTask(photograph, seed) for seed, photograph in enumerate(photographs)]
    with get_context("spawn").Pool(os.cpu_count(), _start_worker, (recipe,)) as pool:
        sample = tasks[:: max(1, len(tasks) // PICTURES_FOR_COMPONENTS)]
        cells = np.concatenate(
            [maps[0].reshape(-1, TEACHER_CHANNELS) for _, maps in pool.imap(_views, sample)]
        )
        mean, components = principal_components(cells)
        for index, (pictures, maps) in enumerate(pool.imap(_views, tasks, chunksize=16)):
            rows = slice(index * recipe.count, (index + 1) * recipe.count)
            arrays["pictures"][rows] = pictures
            arrays["maps"][rows] = (maps - mean) @ components
            arrays["pooled"][rows] = maps.mean((1, 2))


def principal_components(
    cells: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean (C,) of cells (n, C) and their projection (C, MAP_CHANNELS) to unit mean variance."""
    mean = cells.mean(0)
    covariance = np.cov((cells - mean).T)
    variances, directions = np.linalg.eigh(covariance)
    kept = directions[:, -MAP_CHANNELS:]
    return mean, (kept / np.sqrt(variances[-MAP_CHANNELS:].mean())).astype(np.float32)


_worker: dict[str, Any] = {}
"""A worker process's teacher (too costly to load for each task) and recipe."""


def _start_worker(recipe: ViewRecipe) -> None:
    _worker.update(teacher=MobileNetTeacher(recipe.teacher), recipe=recipe)


def _views(task: ViewTask) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    recipe: ViewRecipe = _worker["recipe"]
    generator = np.random.default_rng(task.seed)
    photograph = task.photograph.decode()
    crops = [recipe.crop(photograph, generator) for _ in range(recipe.count)]
    pictures = np.stack([resize(crop, recipe.image_size) for crop in crops])
    return pictures, np.stack([_worker["teacher"].features(resize(crop, TEACHER_SIZE)) for crop in crops])
