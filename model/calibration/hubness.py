"""Corrections for clips that attract many queries, to be compared; none of them is the default.

- CSLS (arXiv 1710.04087, equation 3): a clip's score less its mean similarity to its nearest queries.
- Mean centring (Suzuki et al., EMNLP 2013): the query less a share of the mean of all queries. It is linear,
  hence nothing but another query vector, and free in every index.

The dynamic inverted softmax of QB-Norm (arXiv 2112.12777) is in ``model.evaluation.query_normalisation``.
"""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def csls(scores: Vectors, bank_scores: Vectors, weight: float = 0.5, nearest: int = 10) -> Vectors:
    """Return scores (Q, N) less ``weight`` times the mean of each clip's best scores with a bank (P, N).

    With the weight 0.5 this orders as the paper's measure does. Raises ValueError for a ``nearest`` that is
    not 1 to P.
    """
    if not 1 <= nearest <= len(bank_scores):
        raise ValueError(f"nearest={nearest}: must be 1 to {len(bank_scores)}, the size of the bank")
    best = np.partition(bank_scores, len(bank_scores) - nearest, axis=0)[-nearest:]
    corrected: Vectors = scores - np.float32(weight) * best.mean(axis=0)
    return corrected


def centre(queries: Vectors, bank: Vectors, weight: float = 1.0) -> Vectors:
    """Return unit vectors (Q, D): the queries less ``weight`` times the mean of a bank (P, D)."""
    moved = queries - np.float32(weight) * bank.mean(axis=0)
    unit: Vectors = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return unit
