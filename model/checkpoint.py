"""Weights and configuration of a dual encoder, in open_clip's own formats.

A checkpoint of this project is a folder that open_clip reads as ``local-dir:FOLDER``:
``open_clip_config.json`` (architecture and preprocessing) beside ``open_clip_model.safetensors``.
Public weights are named by architecture and tag, and open_clip downloads them. We unpickle nothing.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import open_clip
import torch
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import save_file

from model.preprocessing import Preprocessing
from model.text_encoder import Tokenizer

WEIGHTS_FILE = "open_clip_model.safetensors"
CONFIGURATION_FILE = "open_clip_config.json"
FOLDER_SCHEME = "local-dir:"


DualEncoder: TypeAlias = CLIP | CustomTextCLIP


@dataclass(frozen=True)
class ModelSource:
    """Where an encoder comes from: an open_clip architecture with a tag, or a checkpoint folder."""

    architecture: str
    tag: str | None = None

    @classmethod
    def of_folder(cls, folder: Path) -> "ModelSource":
        """Return the source for a checkpoint folder; raises ValueError if it has no configuration."""
        if not (folder / CONFIGURATION_FILE).is_file():
            raise ValueError(f"{folder} is no checkpoint: it has no {CONFIGURATION_FILE}")
        return cls(f"{FOLDER_SCHEME}{folder}")

    @property
    def identity(self) -> str:
        """What decides the computation besides the weights: a name, or a configuration's hash."""
        if not self.architecture.startswith(FOLDER_SCHEME):
            return self.architecture
        configuration = Path(self.architecture.removeprefix(FOLDER_SCHEME)) / CONFIGURATION_FILE
        return f"configuration:{hashlib.sha256(configuration.read_bytes()).hexdigest()[:16]}"

    def build(self, *, is_trained: bool = True) -> DualEncoder:
        """Return the model with its weights, or with random ones.

        Raises ValueError if the weights cannot be had.
        """
        try:
            model: DualEncoder = open_clip.create_model(
                self.architecture,
                self.tag if is_trained else None,  # a tag is downloaded even if its weights are not loaded
                load_weights=is_trained,
                require_pretrained=is_trained,
            )
        except RuntimeError as error:
            name = self.architecture if self.tag is None else f"{self.architecture} / {self.tag}"
            raise ValueError(f"the weights of {name} cannot be loaded: {error}") from error
        return model.eval()

    def tokenizer(self) -> Tokenizer:
        """Return the function that turns n texts into token ids (n, context length)."""
        tokenizer: Tokenizer = open_clip.get_tokenizer(self.architecture)
        return tokenizer


def preprocessing_of(model: DualEncoder) -> Preprocessing:
    """Return how ``model`` wants its pictures; raises ValueError for a picture that is not square."""
    settings = open_clip.get_model_preprocess_cfg(model)
    size = settings["size"]
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    if height != width:
        raise ValueError(
            f"the model wants pictures of {width}x{height} pixels; only square ones are supported"
        )
    mode: Literal["shortest", "squash"] = "squash" if settings["resize_mode"] == "squash" else "shortest"
    return Preprocessing(width, tuple(settings["mean"]), tuple(settings["std"]), mode)


def save_checkpoint(model: DualEncoder, folder: Path) -> Path:
    """Write the weights as float16 safetensors beside the folder's configuration, whole or not at all."""
    weights = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    temporary = folder / f"{WEIGHTS_FILE}.tmp"
    save_file(weights, temporary)
    return temporary.replace(folder / WEIGHTS_FILE)


def hash_weights(model: DualEncoder) -> str:
    """Return the sha256 of all weights by name and value, the same however they were stored."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()
