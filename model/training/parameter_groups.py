"""What an optimiser is given: tensors with the same peak rate and the same weight decay, together."""

from typing import TypedDict

from torch import nn


class ParameterGroup(TypedDict):
    """A group of ``torch.optim.AdamW``; ``peak`` is for the schedule, which sets ``lr`` before every step."""

    name: str
    params: list[nn.Parameter]
    lr: float
    peak: float
    weight_decay: float
