"""open_clip's own architectures, small and with random weights: text towers of every kind."""

from typing import Any

import open_clip
import torch
from torch import Tensor

CAUSAL = (
    "ViT-B-32",
    "ViT-B-32-quickgelu",
    "ViT-H-14-worldwide-quickgelu",  # reads at the token with a certain number
    "PE-Core-B-16",
    "MobileCLIP-B",
    "EVA02-B-16",  # its text tower is a part of its own
)
WHOLE = ("ViT-B-16-SigLIP", "ViT-gopt-16-SigLIP2-256", "ViT-L-14-CLIPA", "MobileCLIP-S1")
"""Tokens see those behind them, or the last place is read."""

VOCABULARY = 1000


def random_tower(name: str) -> open_clip.CLIP | open_clip.CustomTextCLIP:
    """Return the architecture with a small picture tower, and two text blocks of three heads."""
    settings: dict[str, Any] = open_clip.get_model_config(name)
    head_width = settings["text_cfg"]["width"] // settings["text_cfg"]["heads"]
    small = {"layers": 2, "heads": 3, "width": 3 * head_width, "vocab_size": VOCABULARY}
    text = {**settings["text_cfg"], **small}
    kind = open_clip.CustomTextCLIP if settings.get("custom_text") else open_clip.CLIP
    model = kind(
        embed_dim=settings["embed_dim"],
        vision_cfg={"image_size": 16, "patch_size": 8, "width": 32, "layers": 1, "head_width": 16},
        text_cfg=text,
        quick_gelu=settings.get("quick_gelu", False),
    )
    for name, weights in model.named_parameters():  # open_clip begins with places and biases near zero
        if "positional_embedding" in name or name.endswith("bias"):
            torch.nn.init.normal_(weights, std=0.1)
    return model.eval()


def ids_of_lengths(model: Any, lengths: list[int]) -> Tensor:
    """Return ids (Q, N) of random words: each row of so many tokens and its end, padded."""
    reads_named = getattr(model, "text_pool_type", "") == "eos"
    eos_id = model.text_eos_id if reads_named else VOCABULARY - 1
    ids = torch.randint(3, VOCABULARY - 1, (len(lengths), model.context_length))
    for row, length in zip(ids, lengths, strict=True):
        row[length - 1] = eos_id
        row[length:] = 0
    return ids
