"""A dual encoder and a dataset small enough to be trained by a test: patterns in colours, and their names."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model.checkpoint import CONFIGURATION_FILE, ModelSource, save_checkpoint
from model.datasets.base import CaptionedItem, Dataset, Refusal, Split
from model.training.run import Overrides, TrainingRun

CONFIGURATION = {
    "model_cfg": {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 5, "head_width": 16},
        "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "resize_mode": "squash"},
}

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 40), "blue": (40, 50, 220), "white": (230, 230, 230)}
PATTERNS = ("plain", "striped", "split")
LOST = Refusal("lost", "missing-file", "lost.mp4 is not there")


@dataclass(frozen=True)
class ToyScene:
    """Six frames of a pattern in a colour on black, each with noise of its own."""

    colour: str
    pattern: str
    seed: int

    def render(self, size: int) -> NDArray[np.uint8]:
        """Return frames (6, size, size, 3)."""
        mask = np.ones((size, size, 1))
        if self.pattern == "striped":
            mask[:, np.arange(size) // 4 % 2 == 0] = 0
        elif self.pattern == "split":
            mask[size // 2 :] = 0
        noise = np.random.default_rng(self.seed).normal(0, 12, (6, size, size, 3))
        pixels = mask * np.array(COLOURS[self.colour]) + noise
        frames: NDArray[np.uint8] = pixels.clip(0, 255).astype(np.uint8)
        return frames


def toy_dataset(name: str, root: Path, split: Split) -> Dataset:
    """Return twelve videos of two captions each; those of other splits differ in their noise."""
    offset = {"train": 0, "validation": 100, "test": 200}[split]
    scenes = [ToyScene(colour, pattern, offset) for colour in COLOURS for pattern in PATTERNS]
    items = [
        CaptionedItem(
            f"{scene.colour}-{scene.pattern}",
            (f"a {scene.pattern} {scene.colour} flag", f"something {scene.colour}, {scene.pattern}"),
            replace(scene, seed=offset + index),
        )
        for index, scene in enumerate(scenes)
    ]
    return Dataset(name, split, tuple(items), (LOST,) if split == "train" else ())


def toy_checkpoint(folder: Path) -> Path:
    """Write an encoder with random weights, 5 blocks and pictures of 32 pixels; return its folder."""
    folder.mkdir(parents=True)
    (folder / CONFIGURATION_FILE).write_text(json.dumps(CONFIGURATION))
    torch.manual_seed(0)
    save_checkpoint(ModelSource.of_folder(folder).build(is_trained=False), folder)
    return folder


def toy_run(folder: Path, **changes: object) -> TrainingRun:
    """Return a training of such an encoder in float32: 2 frames, 3 steps of 8 pairs in each of two epochs."""
    preset = folder / "pretrained"
    if not preset.exists():
        toy_checkpoint(preset)
    run = TrainingRun(
        dataset="toy",
        root=folder,
        output=folder / "trained",
        preset=str(preset),
        reducer="none",
        recipe="centerclip",
        overrides=Overrides(epochs=2, batch=8, learning_rate=2e-3, frames=2, words=12),
        seed=1,
        device="cpu",
        precision="float32",
        workers=1,
        frame_store=folder / "frames",
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def drawing_run(folder: Path) -> TrainingRun:
    """Return a training of all weights in which everything draws: frames, augmentation, and the reducer."""
    return toy_run(folder, recipe="tempme-full", reducer="sparse:B2-1,16/random", micro_batch=2, save_every=2)
