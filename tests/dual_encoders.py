"""Whole dual encoders with random weights, small enough for any test."""

from typing import Any

from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP

from tests.timm_towers import small_tower

IMAGE_SIZE = 32
CONTEXT = 12
VOCABULARY = 50
"""The last id ends a text."""

DIMENSION = 12


def small_clip(*, layers: int = 4) -> CLIP:
    """Return OpenAI's kind: 16 patches of 8 pixels a side, width 32, and a text tower of width 24."""
    vision = CLIPVisionCfg(image_size=IMAGE_SIZE, patch_size=8, width=32, layers=layers, head_width=16)
    return CLIP(DIMENSION, vision, _text()).eval()


def small_timm_clip(kind: str = "mobileclip", **text: Any) -> CustomTextCLIP:
    """Return one with a timm tower, of a kind that ``tests.timm_towers`` names, and a text tower apart."""
    model = CustomTextCLIP(DIMENSION, _no_vision(), _text(**text))
    model.visual = small_tower(kind)
    return model.eval()


def small_convolutional_clip() -> CLIP:
    """Return one with a convolutional tower, full of batch norms."""
    vision = CLIPVisionCfg(image_size=IMAGE_SIZE, width=8, layers=(1, 1, 1, 1), head_width=64)
    return CLIP(DIMENSION, vision, _text()).eval()


def _text(**changes: Any) -> CLIPTextCfg:
    settings = {"context_length": CONTEXT, "vocab_size": VOCABULARY, "width": 24, "heads": 2, "layers": 3}
    return CLIPTextCfg(**(settings | changes))


def _no_vision() -> CLIPVisionCfg:
    return CLIPVisionCfg(image_size=8, patch_size=8, width=16, layers=1, head_width=16)
