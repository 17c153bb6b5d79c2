"""A checkpoint in open_clip's format with random weights, small enough to be written by any test."""

import json
from pathlib import Path

import torch

from model.checkpoint import CONFIGURATION_FILE, ModelSource, save_checkpoint

CONTEXT = 12
IMAGE_SIZE = 32

CONFIGURATION = {
    "model_cfg": {
        "embed_dim": 16,
        "custom_text": True,
        "vision_cfg": {
            "image_size": IMAGE_SIZE,
            "patch_size": 16,
            "width": 64,
            "layers": 2,
            "head_width": 32,
        },
        "text_cfg": {"context_length": CONTEXT, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "resize_mode": "shortest"},
}


def write_tiny_checkpoint(folder: Path, seed: int = 0) -> Path:
    """Write a dual encoder of 2 blocks and 16 dimensions into ``folder``, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIGURATION_FILE).write_text(json.dumps(CONFIGURATION))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = ModelSource.of_folder(folder).build(is_trained=False)
    save_checkpoint(model, folder)
    return folder
