"""From the vectors of a clip's parts to one vector: CLIP4Clip's meanP (arXiv 2104.08860, section 3.3).

Each part counts the same whatever the length of its vector: unit vectors, their mean, made a unit vector.
"""

from torch import Tensor
from torch.nn.functional import normalize


def pool_mean(vectors: Tensor) -> Tensor:
    """Return one unit vector (B, D) for the vectors (B, S, D) of a clip's segments or frames."""
    return normalize(normalize(vectors, dim=-1).mean(dim=1), dim=-1)


def pool_parts(vectors: Tensor, parts: int) -> Tensor:
    """Return unit vectors (B, P, D): the means of P contiguous, equal parts of (B, S, D) in time order.

    Raises ValueError if S is no multiple of ``parts``.
    """
    videos, count, dimension = vectors.shape
    if parts < 1 or count % parts:
        raise ValueError(f"{count} vectors cannot be divided into {parts} equal parts")
    grouped = vectors.reshape(videos * parts, count // parts, dimension)
    return pool_mean(grouped).reshape(videos, parts, dimension)
