"""Encoders for figures to publish: float32 on every device, and a photograph as the picture it is."""

import math
from dataclasses import dataclass

import torch

from model.config import resolve_source
from model.factory import EncoderSettings, choose_device, load_encoders
from model.text_encoder import TextEncoder
from model.token_reduction.base import Unreduced
from model.video_encoder import VideoEncoder


@dataclass(frozen=True)
class RetrievalEncoders:
    """One model as an evaluation needs it."""

    video: VideoEncoder
    picture: VideoEncoder
    """The same tower on one frame, where there is nothing to reduce: a photograph as the picture it is."""
    text: TextEncoder
    settings: EncoderSettings
    logit_scale: float
    """What the model was trained to multiply its cosines with, about 100."""


def load_retrieval_encoders(preset: str, reduction: str, device: str) -> RetrievalEncoders:
    """Return the encoders that ``load_encoders`` gives for these names, computing in float32.

    What serves an index takes the fastest number type of its machine. Figures that are compared between
    machines must not depend on it, and vectors of 8 bits of precision bring ties (MODEL-SPEC §6.1). Raises
    ValueError as ``load_encoders`` does.
    """
    served = load_encoders(preset, reduction=reduction, device=device)
    model = resolve_source(preset).build()  # anew: of weights once rounded, nothing brings back the rest
    target = choose_device(device)
    preprocessing = served.settings.preprocessing
    video = VideoEncoder(
        model.visual,
        preprocessing,
        served.video.tower.reducer,
        frames_per_clip=served.settings.frames_per_clip,
        device=target,
        dtype=torch.float32,
    )
    picture = VideoEncoder(model.visual, preprocessing, Unreduced(), frames_per_clip=1, device=target)
    logit_scale = math.exp(model.logit_scale.item())
    return RetrievalEncoders(video, picture, served.text, served.settings, logit_scale)
