"""Two rankings made one by reciprocal rank (Cormack, Clarke and Büttcher, SIGIR 2009).

::

    strength(clip) = Σ over the rankings that hold it of 1 / (60 + its rank there)

Ranks are compared, never scores: a cosine and a full-text rank have nothing in common. Each ranking's first
thousand take part, as in the paper; behind them the ranking of pictures goes on alone.
"""

import numpy as np
from numpy.typing import NDArray

SMOOTHING = 60
"""The paper's k: how little the very first ranks outweigh the next."""

FUSED_RANKS = 1000


def fuse(seen: NDArray[np.int64], said: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return clips in their new order and their strengths, of those seen (N,) and said (M,), best first.

    A clip that both rankings hold comes before every one that only ``seen`` has at the same rank or later;
    without clips in which the words are said the order of ``seen`` stays.
    """
    said = said[:FUSED_RANKS]
    strengths = 1 / (SMOOTHING + np.arange(1, len(seen) + 1))
    is_said = np.isin(seen, said)
    strengths[FUSED_RANKS:][is_said[FUSED_RANKS:]] = 0  # too far down to count, as if it were not found
    ids = np.concatenate([seen, said[~np.isin(said, seen)]])
    strengths = np.concatenate([strengths, np.zeros(len(ids) - len(seen))])
    by_id = np.argsort(ids)
    strengths[by_id[np.searchsorted(ids, said, sorter=by_id)]] += 1 / (
        SMOOTHING + np.arange(1, len(said) + 1)
    )
    order = np.lexsort((ids, -strengths))
    return ids[order], strengths[order]
