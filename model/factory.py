"""A preset's name in, its encoders out, with everything that makes their vectors what they are."""

import hashlib
import json
from dataclasses import asdict, dataclass

import torch
from torch import nn

from model.checkpoint import hash_weights, preprocessing_of
from model.config import FRAMES_PER_CLIP, resolve_source
from model.precision import fast_dtype
from model.preprocessing import Preprocessing
from model.text_encoder import TextEncoder
from model.token_reduction.base import TokenReducer
from model.token_reduction.naming import find_family, parse_reduction
from model.video_encoder import VideoEncoder
from model.vision_transformer.video_tower import SEEN_FROM_OUTSIDE, can_reduce, open_trunk

AUTO = "auto"
"""As a reduction or a device: the best that can be had."""


@dataclass(frozen=True)
class EncoderSettings:
    """All that defines a generation: two encoders with equal settings give the same vectors."""

    preset: str
    architecture: str
    weights_sha256: str
    preprocessing: Preprocessing
    frames_per_clip: int
    reduction: str
    dimension: int

    @property
    def fingerprint(self) -> str:
        """The sha256 of all that decides a vector, in canonical JSON; the preset's name does not."""
        decisive = self.to_json()
        del decisive["preset"]
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, object]:
        """Return the settings as JSON values."""
        values: dict[str, object] = json.loads(json.dumps(asdict(self)))
        return values


@dataclass(frozen=True)
class Encoders:
    """One model's two sides, in one space."""

    video: VideoEncoder
    text: TextEncoder
    settings: EncoderSettings


def load_encoders(preset: str, *, reduction: str = AUTO, device: str = "auto") -> Encoders:
    """Return the encoders of a preset, checkpoint folder or ``ARCHITECTURE/TAG``, ready on ``device``.

    The reduction ``auto`` is CenterCLIP in a vision transformer, and none in a convolutional tower.
    Weights that are not bundled are downloaded by open_clip. Raises ValueError for an unknown preset,
    reduction or device, for a reduction that the tower cannot run, and for weights that cannot be had.
    """
    target = choose_device(device)
    source = resolve_source(preset)
    model = source.build()
    weights_sha256 = hash_weights(model)
    reducer = reducer_for(model.visual, reduction)
    preprocessing = preprocessing_of(model)
    video = VideoEncoder(
        model.visual,
        preprocessing,
        reducer,
        frames_per_clip=FRAMES_PER_CLIP,
        device=target,
        dtype=fast_dtype(target),
    )
    settings = EncoderSettings(
        preset=preset,
        architecture=source.identity,
        weights_sha256=weights_sha256,
        preprocessing=preprocessing,
        frames_per_clip=FRAMES_PER_CLIP,
        reduction=reducer.name,
        dimension=video.dimension,
    )
    return Encoders(video, TextEncoder(model, source.tokenizer(), device=target), settings)


def choose_device(name: str) -> torch.device:
    """Return the device called ``name``, or the GPU if there is one for ``auto``; raises ValueError."""
    if name == AUTO:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"there is no device {name!r}: name auto, cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device {name!r} was asked for, but this machine has no usable GPU: name cpu or auto"
        )
    return device


def reducer_for(tower: nn.Module, reduction: str) -> TokenReducer:
    """Return the reducer called ``reduction`` for a visual tower.

    Raises ValueError if it is unknown, does not fit the tower, or gives other vectors every time.
    """
    reducer = _parse_for(tower, reduction)
    if not reducer.is_repeatable:
        raise ValueError(
            f"{reducer.name} draws anew each time, for training: vectors to search by must stay the same, "
            f"as with {reducer.name.rpartition('/')[0]}"
        )
    return reducer


def _parse_for(tower: nn.Module, reduction: str) -> TokenReducer:
    is_reducible = can_reduce(tower)
    name = reduction.strip().lower()
    if name == AUTO:
        name = "centerclip" if is_reducible else "none"
    if is_reducible or find_family(name).reducer.needs_trunk:
        return parse_reduction(name, open_trunk(tower).shape, FRAMES_PER_CLIP)
    return parse_reduction(name, SEEN_FROM_OUTSIDE, FRAMES_PER_CLIP)
