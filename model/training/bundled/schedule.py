"""Learning-rate schedule, optimiser and precision that both training stages share."""

import math
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from model.precision import fast_dtype

WARM_UP = 0.03  # of the budget


def make_optimizer(parameters: Iterable[nn.Parameter], *, weight_decay: float) -> AdamW:
    """Return AdamW that decays matrices only, not biases, norms or single vectors."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    return AdamW(
        [
            {"params": [p for p in trained if p.ndim >= 2], "weight_decay": weight_decay},
            {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
        ],
        betas=(0.9, 0.98),
    )


def set_learning_rate(optimizer: Optimizer, peak: float, spent: float) -> None:
    """Set linear warm-up, then a cosine to zero, for the fraction ``spent`` of the budget (0 to 1)."""
    rise = min(1.0, spent / WARM_UP)
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, spent)))
    for group in optimizer.param_groups:
        group["lr"] = peak * rise * fall


def reduced_precision(device: torch.device) -> torch.autocast:
    """Return bfloat16 autocast where the device computes it natively, else a context that changes nothing."""
    is_native = fast_dtype(device) is torch.bfloat16
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_native)
