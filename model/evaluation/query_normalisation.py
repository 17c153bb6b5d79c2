"""Scores corrected for candidates that attract many queries; to be reported apart, never as the result.

- Dual softmax: CAMoE (arXiv 2109.04290); MODEL-SPEC §6.3. It sees the whole set of test queries.
- Querybank normalisation by the dynamic inverted softmax: QB-Norm (arXiv 2112.12777); MODEL-SPEC §6.3.

Both compute in float64: in less, scores far below the best would underflow to zero, and tie.
"""

import numpy as np
from numpy.typing import NDArray

from model.evaluation.retrieval_metrics import Scores, check_finite


def dual_softmax(logits: Scores) -> NDArray[np.float64]:
    """Return scaled scores (Q, V), each times the softmax of its candidate's column over the queries.

    ``logits`` are cosines times the model's scale, about 100. For video → text, pass the transpose.
    """
    check_finite(logits)
    wide = logits.astype(np.float64)
    shares: NDArray[np.float64] = np.exp(wide - wide.max(axis=0))
    shares /= shares.sum(axis=0)
    shares *= wide
    return shares


def querybank_normalise(scores: Scores, bank: Scores, beta: float = 20.0, k: int = 1) -> NDArray[np.float64]:
    """Return cosines (Q, V), those rows normalised that a ``bank`` (training captions, V) activates.

    Those are the rows whose best candidate is among the ``k`` best of any caption in the bank. The other rows
    stay as they are, at another scale: compare scores within a row, never down a column.
    """
    _check_bank(scores, bank, k)
    activated = np.unique(np.argpartition(bank, -k, axis=1)[:, -k:])
    rows = np.isin(scores.argmax(axis=1), activated)
    normalised = scores.astype(np.float64)
    normalised[rows] = np.exp(beta * normalised[rows] - _log_sum_exp(beta * bank.astype(np.float64)))
    return normalised


def _log_sum_exp(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log Σ exp over the rows of values (n, V) as (V,), without overflow."""
    highest = values.max(axis=0)
    logarithms: NDArray[np.float64] = np.log(np.exp(values - highest).sum(axis=0)) + highest
    return logarithms


def _check_bank(scores: Scores, bank: Scores, k: int) -> None:
    if scores.ndim != 2 or bank.ndim != 2 or bank.shape[1] != scores.shape[1] or not len(bank):
        raise ValueError(
            f"scores {scores.shape} and bank {bank.shape} do not fit: "
            "the bank needs a row for each of its captions and the same candidates"
        )
    if not 1 <= k <= bank.shape[1]:
        raise ValueError(f"k={k}: must be 1 to {bank.shape[1]}, the number of candidates")
    check_finite(scores)
    check_finite(bank)
