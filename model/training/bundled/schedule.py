"""Learning rate and precision that both stages share."""

import math

import torch

from model.precision import fast_dtype

WARM_UP = 0.03  # of the steps
FIRST_SHARE = 0.02


def rate_share(spent: float) -> float:
    """Return the share of the peak rate after the fraction ``spent`` of the steps (0 to 1).

    It is a linear warm-up, times half a cosine to zero.
    """
    rise = min(1.0, FIRST_SHARE + spent / WARM_UP)
    return rise * 0.5 * (1 + math.cos(math.pi * spent))


def reduced_precision() -> torch.autocast:
    """Return bfloat16 autocast where the processor computes it natively, else a context without effect."""
    is_native = fast_dtype(torch.device("cpu")) is torch.bfloat16
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_native)
