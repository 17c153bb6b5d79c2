"""What an optimiser is given: tensors with the same peak rate and the same weight decay, together.

As CLIP4Clip and CenterCLIP decay them (MODEL-SPEC 1.8): biases are left alone, everything else is decayed.
That takes in the scales of layer norms, embeddings of tokens and places, and the temperature: the published
filter looks for names that CLIP's layer norms do not have, so it never spares their scales.
"""

from collections.abc import Mapping
from typing import TypedDict

from torch import nn


class ParameterGroup(TypedDict):
    """A group of ``torch.optim.AdamW``; ``peak`` is for the schedule, which sets ``lr`` before every step."""

    name: str
    params: list[nn.Parameter]
    lr: float
    peak: float
    weight_decay: float


def group_by_decay(
    label: str, parameters: Mapping[str, nn.Parameter], peak: float, weight_decay: float
) -> list[ParameterGroup]:
    """Return ``LABEL, decayed`` and ``LABEL, not decayed``, in the order of the names; no group is empty."""
    biases = [parameter for name, parameter in parameters.items() if is_bias(name)]
    others = [parameter for name, parameter in parameters.items() if not is_bias(name)]
    groups = [
        ParameterGroup(
            name=f"{label}, decayed", params=others, lr=peak, peak=peak, weight_decay=weight_decay
        ),
        ParameterGroup(name=f"{label}, not decayed", params=biases, lr=peak, peak=peak, weight_decay=0.0),
    ]
    return [group for group in groups if group["params"]]


def is_bias(name: str) -> bool:
    """Tell whether the parameter called so is a bias, as ``ln_1.bias`` and ``attn.in_proj_bias`` are."""
    return name.rpartition(".")[2].endswith("bias")
