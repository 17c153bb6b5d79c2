"""Retrieval in both directions where videos have several captions (MSVD's protocol, MODEL-SPEC §6.2).

Text → video: each caption ranks all videos. Video → text: each video ranks the groups of captions, a group
scoring as its best caption. So the recalls of a video at 5 and 10 are more lenient than where captions are
ranked one by one. With one caption a video, this is the square matrix of §6.1 and its transpose.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.evaluation.retrieval_metrics import RetrievalMetrics, Scores, TiePolicy, rank, summarise


@dataclass(frozen=True)
class CaptionMetrics:
    """Retrieval in both directions."""

    text_to_video: RetrievalMetrics
    video_to_text: RetrievalMetrics


def evaluate_captions(
    scores: Scores, owners: NDArray[np.integer], ties: TiePolicy = "expected"
) -> CaptionMetrics:
    """Return how Q captions and V videos rank one another by ``scores`` (Q, V); video ``owners[q]`` is true.

    Raises ValueError as ``rank`` and ``best_of_groups`` do, and for a video without captions.
    """
    videos = np.arange(scores.shape[-1])
    text_to_video = _rank_captions(scores, owners, ties)
    uncaptioned = np.setdiff1d(videos, owners)
    if len(uncaptioned):
        raise ValueError(f"video {uncaptioned[0]} has no caption: leave it out or give it one")
    groups = best_of_groups(scores, owners).T  # (V videos, V groups)
    return CaptionMetrics(text_to_video, summarise(rank(groups, videos, ties)))


def best_of_groups(scores: Scores, owners: NDArray[np.integer]) -> Scores:
    """Return the best score of each owner (owners, V) in scores (captions, V), owners in rising order."""
    if (np.diff(owners) < 0).any():
        order = np.argsort(owners, kind="stable")
        scores, owners = scores[order], owners[order]
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    best: Scores = np.maximum.reduceat(scores, starts, axis=0)
    return best


def _rank_captions(scores: Scores, owners: NDArray[np.integer], ties: TiePolicy) -> RetrievalMetrics:
    if ties == "legacy" and len(scores) > scores.shape[-1]:
        # For several captions, the published code counts each once at the place that an unstable sort gives
        # it, and takes torch's median. The last of the places is the only one that never flatters.
        return summarise(rank(scores, owners, "pessimistic"), lower_median=True)
    return summarise(rank(scores, owners, ties))
