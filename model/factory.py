"""A preset's name in, its encoders out, with everything that makes their vectors what they are."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import torch
from torch import nn

from model.checkpoint import ModelSource, hash_weights, load_positions, preprocessing_of
from model.config import resolve_preset
from model.precision import fast_dtype
from model.preprocessing import Preprocessing
from model.serving_settings import AUTO as AUTO
from model.serving_settings import FRAMES_PER_CLIP
from model.text_encoder import TextEncoder
from model.token_reduction.base import TokenReducer
from model.token_reduction.naming import find_family, parse_reduction
from model.token_reduction.tempme import ClipPositions, TempMe
from model.video_encoder import VideoEncoder
from model.vision_transformer.video_tower import SEEN_FROM_OUTSIDE, can_reduce, open_trunk


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
    positions_sha256: str | None = None
    """Of TempMe's learned clip positions; None where there are none."""

    @property
    def fingerprint(self) -> str:
        """The sha256 of all that decides a stored vector, in canonical JSON.

        The preset's name does not. Nor do prompts: they change what is searched with, and not what is stored.
        """
        decisive = self.to_json()
        del decisive["preset"]
        if self.positions_sha256 is None:  # libraries made before there were any keep their fingerprint
            del decisive["positions_sha256"]
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


def load_encoders(
    preset: str, *, reduction: str = AUTO, device: str = AUTO, dtype: torch.dtype | None = None
) -> Encoders:
    """Return the encoders of a preset, checkpoint folder or ``ARCHITECTURE/TAG``, ready on ``device``.

    The reduction ``auto`` is the one that a checkpoint was trained with; without one, CenterCLIP in a vision
    transformer, and none in a convolutional tower. The video side computes in ``dtype``, or in what is
    fastest on the device. Weights that are not bundled are downloaded by open_clip.

    Raises ValueError for an unknown preset, reduction or device, for a reduction that the tower cannot run or
    that the clip positions do not fit, and for weights that cannot be had.
    """
    target = choose_device(device)
    known = resolve_preset(preset)
    frames = known.settings.frames_per_clip
    model = known.source.build()
    weights_sha256 = hash_weights(model)
    preprocessing = preprocessing_of(model)
    wanted = known.settings.reduction if _is_auto(reduction) else reduction
    reducer = reducer_for(model.visual, wanted, frames)
    positions = _trained_positions(known.source, model.visual, reducer, frames, preprocessing.image_size)
    if positions is not None and isinstance(reducer, TempMe):
        reducer = replace(reducer, positions=positions.to(target))
    video = VideoEncoder(
        model.visual,
        preprocessing,
        reducer,
        frames_per_clip=frames,
        device=target,
        dtype=dtype or fast_dtype(target),
    )
    settings = EncoderSettings(
        preset=preset,
        architecture=known.source.identity,
        weights_sha256=weights_sha256,
        preprocessing=preprocessing,
        frames_per_clip=frames,
        reduction=reducer.name,
        dimension=video.dimension,
        positions_sha256=None if positions is None else hash_weights(positions),
    )
    text = TextEncoder(model, known.source.tokenizer(), device=target, prompts=known.settings.prompts)
    return Encoders(video, text, settings)


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


def reducer_for(tower: nn.Module, reduction: str, frames: int = FRAMES_PER_CLIP) -> TokenReducer:
    """Return the reducer called ``reduction`` for a visual tower and clips of ``frames`` frames.

    Raises ValueError if it is unknown, does not fit the tower, or gives other vectors every time.
    """
    reducer = _parse_for(tower, reduction, frames)
    if not reducer.is_repeatable:
        raise ValueError(
            f"{reducer.name} draws anew each time, for training: vectors to search by must stay the same, "
            f"as with {reducer.name.rpartition('/')[0]}"
        )
    return reducer


def _parse_for(tower: nn.Module, reduction: str, frames: int) -> TokenReducer:
    is_reducible = can_reduce(tower)
    name = reduction.strip().lower()
    if _is_auto(name):
        name = "centerclip" if is_reducible else "none"
    if is_reducible or find_family(name).reducer.needs_trunk:
        return parse_reduction(name, open_trunk(tower).shape, frames)
    return parse_reduction(name, SEEN_FROM_OUTSIDE, frames)


def _is_auto(reduction: str) -> bool:
    return reduction.strip().lower() == AUTO


def _trained_positions(
    source: ModelSource, tower: nn.Module, reducer: TokenReducer, frames: int, image_size: int
) -> ClipPositions | None:
    """Return the clip positions of a checkpoint folder, where there are any and ``reducer`` takes them."""
    if source.folder is None or not isinstance(reducer, TempMe):
        return None
    with torch.inference_mode():  # a trunk does not say its width: show it black
        width = open_trunk(tower).embed(torch.zeros(1, 3, image_size, image_size), 1).values.shape[-1]
    positions = ClipPositions(width, reducer.gluing, frames)
    return positions if load_positions(source.folder, positions) else None
