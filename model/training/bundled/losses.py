"""Losses of the dual encoder's training."""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, kl_div, log_softmax


def contrastive_loss(images: Tensor, texts: Tensor, scale: Tensor | float, identities: Tensor) -> Tensor:
    """Return the symmetric InfoNCE loss of unit vectors (n, D), pairs of equal identity (n,) all being true.

    With all identities different this is CLIP's loss (Radford et al. 2021, arXiv 2103.00020, figure 3).
    """
    logits = scale * images @ texts.T
    truth = (identities[:, None] == identities[None, :]).to(logits.dtype)
    truth = truth / truth.sum(1, keepdim=True)  # symmetric, so rows and columns share it
    rows = -(truth * log_softmax(logits, 1)).sum(1).mean()
    columns = -(truth.T * log_softmax(logits, 0)).sum(0).mean()
    return (rows + columns) / 2


def contrastive_loss_within(
    sets: tuple[int, ...], images: Tensor, texts: Tensor, scale: Tensor | float, identities: Tensor
) -> Tensor:
    """Return the mean over n pairs of ``contrastive_loss``, none being contrasted with those of another set.

    ``sets`` are how many of the pairs belong to each. Sets differ in what has nothing to do with words (one
    has small blurred pictures and bare names): told apart by that, names would come to mean "blurred".
    """
    parts = zip(images.split(sets), texts.split(sets), identities.split(sets), strict=True)
    losses = [contrastive_loss(*part[:2], scale, part[2]) * len(part[0]) for part in parts]
    return torch.stack(losses).sum() / len(images)


def cosine_loss(vectors: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of 1 - cosine between vectors and targets (n, D)."""
    return torch.mean(1 - cosine_similarity(vectors, targets, dim=-1))


def class_name_loss(images: Tensor, names: Tensor, scale: Tensor | float, shares: Tensor) -> Tensor:
    """Return how far the softmax over ``scale`` times cosines is from a teacher's probabilities.

    ``images`` (n, D) and ``names`` (c, D) are unit vectors, ``shares`` (n, c) the teacher's probabilities.
    The loss is the mean Kullback-Leibler divergence, in nats.
    """
    return kl_div(log_softmax(scale * images @ names.T, 1), shares, reduction="batchmean")
