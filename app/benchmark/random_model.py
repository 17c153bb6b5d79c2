"""A model of any architecture with random weights: as slow as a trained one, and nothing to download."""

import json
from pathlib import Path

import open_clip
import torch

from model.checkpoint import CONFIGURATION_FILE, ModelSource, save_checkpoint
from model.config import PRESETS


def model_of(name: str, folder: Path) -> str:
    """Return what REELSEEK_MODEL is to be for ``name``: a preset or checkpoint folder as it is.

    The name of an open_clip architecture becomes a checkpoint with random weights, written into ``folder``
    unless it is there. Raises ValueError for anything else.
    """
    if name in PRESETS or Path(name).is_dir():
        return name
    target = folder / name
    if not (target / CONFIGURATION_FILE).exists():
        _write(name, target)
    return str(target)


def _write(architecture: str, folder: Path) -> None:
    configuration = open_clip.get_model_config(architecture)
    if configuration is None:
        raise ValueError(
            f"there is no model {architecture!r}: name one of {', '.join(PRESETS)}, a checkpoint folder, "
            "or an open_clip architecture such as ViT-B-32, which then gets random weights"
        )
    torch.manual_seed(0)
    model = ModelSource(architecture).build(is_trained=False)
    folder.mkdir(parents=True, exist_ok=True)
    save_checkpoint(model, folder)
    whole = {"model_cfg": configuration, "preprocess_cfg": open_clip.get_model_preprocess_cfg(model)}
    (folder / CONFIGURATION_FILE).write_text(json.dumps(whole))  # last: the folder is whole with it
