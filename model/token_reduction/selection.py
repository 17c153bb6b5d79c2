"""Tokens taken out of their sequences by whole rows: gathering would go by elements, many times slower."""

import torch
from torch import Tensor


def select_tokens(values: Tensor, places: Tensor) -> Tensor:
    """Return the tokens of (P, n, C) at ``places`` (P, m) of their sequence: (P, m, C)."""
    rows = end_to_end(places, values.shape[1])
    selected: Tensor = values.flatten(0, 1).index_select(0, rows).unflatten(0, places.shape)
    return selected


def end_to_end(places: Tensor, length: int) -> Tensor:
    """Return ``places`` (P, m) of sequences of ``length`` as (P*m,) places in all of them, end to end."""
    first = torch.arange(0, places.shape[0] * length, length, device=places.device)
    return (places + first.unsqueeze(1)).flatten()
