"""Weights and configuration of a dual encoder, in open_clip's own formats.

A checkpoint of this project is a folder that open_clip reads as ``local-dir:FOLDER``:
``open_clip_config.json`` (architecture and preprocessing) beside ``open_clip_model.safetensors``.
A trained one also holds ``reelseek.json`` (``model.serving_settings``) and, for TempMe, its clip positions.
Public weights are named by architecture and tag, and open_clip downloads them. We unpickle nothing.
"""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import open_clip
import torch
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.tokenizer import HFTokenizer
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from model.durable_file import whole_file
from model.lora import LowRankUpdate
from model.preprocessing import Preprocessing
from model.serving_settings import AUTO, SETTINGS_FILE, ServingSettings
from model.text_encoder import Tokenizer
from model.token_reduction.naming import find_family
from model.token_reduction.tempme import ClipPositions, TempMe
from model.vision_transformer import mobilenet_hybrid  # noqa: F401 - timm must know the bundled model's tower
from model.whole_folder import whole_folder

WEIGHTS_FILE = "open_clip_model.safetensors"
CONFIGURATION_FILE = "open_clip_config.json"
POSITIONS_FILE = "clip_positions.safetensors"
FOLDER_SCHEME = "local-dir:"

TOKENIZER_FILES = frozenset(
    "added_tokens.json chat_template.jinja merges.txt sentencepiece.bpe.model special_tokens_map.json "
    "spiece.model tokenizer.json tokenizer.model tokenizer_config.json vocab.json vocab.txt".split()
)
"""What Hugging Face tokenizers keep beside the weights; CLIP's own comes with open_clip."""

CHECKPOINT_FILES = TOKENIZER_FILES | {WEIGHTS_FILE, CONFIGURATION_FILE, POSITIONS_FILE, SETTINGS_FILE}
"""All that a checkpoint folder may hold if it is to be written over."""


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
    def folder(self) -> Path | None:
        """The checkpoint folder; None for a public architecture."""
        if not self.architecture.startswith(FOLDER_SCHEME):
            return None
        return Path(self.architecture.removeprefix(FOLDER_SCHEME))

    @property
    def identity(self) -> str:
        """What decides the computation besides the weights: a name, or a configuration's hash."""
        if self.folder is None:
            return self.architecture
        configuration = (self.folder / CONFIGURATION_FILE).read_bytes()
        return f"configuration:{hashlib.sha256(configuration).hexdigest()[:16]}"

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
    path = folder / WEIGHTS_FILE
    with whole_file(path) as unfinished:
        save_file(weights, unfinished)
    return path


def save_trained(
    model: DualEncoder,
    folder: Path,
    settings: ServingSettings,
    positions: ClipPositions | None,
    source: ModelSource,
) -> None:
    """Write a checkpoint folder that ReelSeek serves as it was trained, and that open_clip reads.

    ``source`` is what the training began with. The weights keep their number type, so that what was measured
    is what is served. The folder appears whole or not at all; an earlier checkpoint in its place is replaced.
    Raises ValueError for a model with adapters that are not merged, for weights that are not finite, for clip
    positions without TempMe, and if the folder holds anything but a checkpoint.
    """
    _check_finished(model, settings, positions)
    with whole_folder(folder, CHECKPOINT_FILES) as unfinished:
        (unfinished / CONFIGURATION_FILE).write_text(_configuration_of(model, source), encoding="utf-8")
        (unfinished / SETTINGS_FILE).write_text(settings.to_json(), encoding="utf-8")
        _save_tensors(model, unfinished / WEIGHTS_FILE)
        if positions is not None:
            _save_tensors(positions, unfinished / POSITIONS_FILE)
        for path in unfinished.glob("*.safetensors"):  # they are written for this user alone
            shutil.copymode(unfinished / SETTINGS_FILE, path)
        tokenizer = source.tokenizer()
        if isinstance(tokenizer, HFTokenizer):  # open_clip looks for it in the folder, and nowhere else
            tokenizer.save_pretrained(unfinished)


def load_positions(folder: Path, positions: ClipPositions) -> bool:
    """Fill ``positions`` with those of a checkpoint folder, and return whether it has any.

    Raises ValueError, with the shapes, if they were trained for others.
    """
    path = folder / POSITIONS_FILE
    if not path.is_file():
        return False
    try:
        stored = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    wanted = {name: tuple(tensor.shape) for name, tensor in positions.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in stored.items()}
    if found != wanted:
        raise ValueError(
            f"{path} holds clip positions of the shapes {list(found.values())}, and the reduction takes "
            f"{list(wanted.values())}: let REELSEEK_REDUCTION be auto for the one they were trained with"
        )
    positions.load_state_dict(stored)
    return True


def hash_weights(model: nn.Module) -> str:
    """Return the sha256 of all weights by name and value, the same however they were stored."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()


def _check_finished(model: DualEncoder, settings: ServingSettings, positions: ClipPositions | None) -> None:
    if any(isinstance(module, LowRankUpdate) for module in model.modules()):
        raise ValueError("the model still has adapters: put them into its weights with merge_lora first")
    if positions is not None and not _is_tempme(settings.reduction):
        raise ValueError(
            f"clip positions are TempMe's, and the reduction to serve with is {settings.reduction!r}: name "
            "the one that they were trained with"
        )
    for part in (model, positions) if positions is not None else (model,):
        for name, tensor in part.state_dict().items():
            if not torch.isfinite(tensor).all():
                raise ValueError(f"the trained {name} has numbers that are not finite: it is not saved")


def _is_tempme(reduction: str) -> bool:
    return reduction != AUTO and find_family(reduction).reducer is TempMe


def _configuration_of(model: DualEncoder, source: ModelSource) -> str:
    """Return the configuration that makes open_clip build the same model, and the same pictures for it."""
    if source.folder is not None:
        return (source.folder / CONFIGURATION_FILE).read_text(encoding="utf-8")
    pictures = open_clip.get_model_preprocess_cfg(model)
    kept = {name: pictures[name] for name in ("mean", "std", "interpolation", "resize_mode")}
    configuration = {"model_cfg": open_clip.get_model_config(source.architecture), "preprocess_cfg": kept}
    return json.dumps(configuration, indent=2) + "\n"


def _save_tensors(module: nn.Module, path: Path) -> None:
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in module.state_dict().items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
