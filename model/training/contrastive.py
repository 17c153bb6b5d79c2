"""CLIP's loss over a batch of any size, in as little memory as a few pairs take, with the exact gradients.

Symmetric InfoNCE (Radford et al. 2021, arXiv 2103.00020, figure 3; MODEL-SPEC 1.7): of the B x B scores
exp(scale) * cosine, half the cross-entropy of the rows and half that of the columns, the true pairs being
the diagonal. As published, another caption of the same video is a negative like any other; the sampler in
``model.training.pairs`` keeps such captions apart as far as it can.

GradCache (Gao et al. 2021, arXiv 2101.06983): the loss depends on the vectors alone, so all micro-batches are
encoded without a graph, the loss and its gradient by every vector are computed over the gathered batch, and
each micro-batch is encoded again, with the same random draws, to carry the gradient of its vectors on into
the weights. One process with the whole batch has the same gradients. (CLIP4Clip's code averages those of its
processes, each of which holds the others' vectors for constants: ours are greater by the count of processes.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from model.training.gathering import Processes


@dataclass(frozen=True)
class MicroBatch:
    """Pairs that go through the towers at once."""

    frames: NDArray[np.uint8]
    """(n, T, H, W, 3)"""
    tokens: Tensor
    """(n, words) int64, of one caption each."""
    seed: int
    """Of all that is drawn while they are encoded."""


class PairVectors(NamedTuple):
    """Unit vectors (n, D) of n pairs."""

    videos: Tensor
    texts: Tensor


EncodePairs: TypeAlias = Callable[[MicroBatch], PairVectors]


def info_nce(vectors: PairVectors, log_scale: Tensor) -> Tensor:
    """Return the symmetric InfoNCE loss of unit vectors (B, D), pair b being row b of both."""
    logits = log_scale.exp() * vectors.videos @ vectors.texts.T  # (B, B)
    truth = torch.arange(len(logits), device=logits.device)
    return (cross_entropy(logits, truth) + cross_entropy(logits.T, truth)) / 2


def backpropagate(
    encode: EncodePairs,
    own: Sequence[MicroBatch],
    log_scale: nn.Parameter,
    processes: Processes,
) -> Tensor:
    """Return the loss over the batches of all processes; gradients of ``own`` are added to the weights.

    Every process must have as many pairs. The gradient of ``log_scale`` is added in the first process only,
    so that the sum over the processes counts everything once. Nothing is added for a loss that is not finite.
    """
    is_whole = len(own) == 1  # then its graph may as well be kept, and nothing is computed twice
    with torch.set_grad_enabled(is_whole):
        parts = [_encode(encode, micro_batch) for micro_batch in own]
    videos, texts = (torch.cat(side) for side in zip(*parts, strict=True))
    gathered = PairVectors(*(processes.gather(side).requires_grad_() for side in (videos, texts)))
    loss = info_nce(gathered, log_scale)
    if not bool(torch.isfinite(loss)):
        return loss.detach()
    by_video, by_text, by_scale = _gradients(loss, gathered, log_scale)
    if processes.is_first and by_scale is not None:
        log_scale.grad = by_scale if log_scale.grad is None else log_scale.grad + by_scale
    elif log_scale.requires_grad and log_scale.grad is None:
        log_scale.grad = torch.zeros_like(log_scale)
    rows = slice(processes.rank * len(videos), (processes.rank + 1) * len(videos))
    sizes = [len(part.videos) for part in parts]
    slices = zip(own, parts, by_video[rows].split(sizes), by_text[rows].split(sizes), strict=True)
    for micro_batch, known, of_videos, of_texts in slices:
        vectors = known if is_whole else _encode(encode, micro_batch)
        torch.autograd.backward(list(vectors), [of_videos, of_texts])
    return loss.detach()


def _encode(encode: EncodePairs, micro_batch: MicroBatch) -> PairVectors:
    torch.manual_seed(micro_batch.seed)  # of the GPU's generator too
    return encode(micro_batch)


def _gradients(
    loss: Tensor, vectors: PairVectors, log_scale: nn.Parameter
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the gradients of the loss by all vectors, and by the scale unless it is frozen."""
    if not log_scale.requires_grad:
        by_video, by_text = torch.autograd.grad(loss, vectors)
        return by_video, by_text, None
    by_video, by_text, by_scale = torch.autograd.grad(loss, (*vectors, log_scale))
    return by_video, by_text, by_scale
