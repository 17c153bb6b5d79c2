"""Encoders for figures to publish: float32 on every device, and a photograph as the picture it is."""

from dataclasses import dataclass

import torch

from model.factory import EncoderSettings, choose_device, load_encoders
from model.text_encoder import TextEncoder
from model.video_encoder import VideoEncoder


@dataclass(frozen=True)
class RetrievalEncoders:
    """One model as an evaluation needs it."""

    video: VideoEncoder
    picture: VideoEncoder
    """The same tower on one frame, where there is nothing to reduce: a photograph as the picture it is."""
    text: TextEncoder
    settings: EncoderSettings


def load_retrieval_encoders(preset: str, reduction: str, device: str) -> RetrievalEncoders:
    """Return the encoders that ``load_encoders`` gives for these names, computing in float32.

    What serves an index takes the fastest number type of its machine. Figures that are compared between
    machines must not depend on it, and vectors of 8 bits of precision bring ties (MODEL-SPEC §6.1). Raises
    ValueError as ``load_encoders`` does.
    """
    encoders = load_encoders(preset, reduction=reduction, device=device, dtype=torch.float32)
    picture = VideoEncoder(
        encoders.video.tower.tower,
        encoders.settings.preprocessing,
        frames_per_clip=1,
        device=choose_device(device),
        dtype=torch.float32,
    )
    return RetrievalEncoders(encoders.video, picture, encoders.text, encoders.settings)
