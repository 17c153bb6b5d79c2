"""Metrics of both directions by tie policy, and recall at every depth up to 100."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.evaluation.caption_groups import best_of_groups, evaluate_captions
from model.evaluation.retrieval_metrics import (
    Ranks,
    RetrievalMetrics,
    Scores,
    TiePolicy,
    rank,
    recall_at,
)

CURVE_TIES: TiePolicy = "expected"
DEPTHS = range(1, 101)

ByPolicy = Mapping[TiePolicy, RetrievalMetrics]


@dataclass(frozen=True)
class Figures:
    """The metrics of each direction, by tie policy; empty where a direction has none."""

    text_to_video: ByPolicy
    video_to_text: ByPolicy = field(default_factory=dict)

    def to_json(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return the metrics as JSON values, the papers' R-Sum among them."""
        directions = {"text_to_video": self.text_to_video, "video_to_text": self.video_to_text}
        return {
            direction: {
                ties: {**asdict(metrics), "recall_sum": metrics.recall_sum}
                for ties, metrics in by_policy.items()
            }
            for direction, by_policy in directions.items()
        }


@dataclass(frozen=True)
class RecallCurves:
    """Recall in per cent at each of ``DEPTHS``, ties by ``CURVE_TIES``."""

    text_to_video: tuple[float, ...]
    video_to_text: tuple[float, ...]


def measure(scores: Scores, owners: NDArray[np.integer], policies: Sequence[TiePolicy]) -> Figures:
    """Return how captions and videos rank one another by ``scores`` (Q, V); video ``owners[q]`` is true."""
    found = {ties: evaluate_captions(scores, owners, ties) for ties in policies}
    return Figures(
        {ties: metrics.text_to_video for ties, metrics in found.items()},
        {ties: metrics.video_to_text for ties, metrics in found.items()},
    )


def trace_recall(scores: Scores, owners: NDArray[np.integer]) -> RecallCurves:
    """Return recall against depth for ``scores`` (Q, V), ``owners`` (Q,) in rising order."""
    groups = best_of_groups(scores, owners).T
    return RecallCurves(
        _trace(rank(scores, owners, CURVE_TIES)),
        _trace(rank(groups, np.arange(len(groups)), CURVE_TIES)),
    )


def _trace(ranks: Ranks) -> tuple[float, ...]:
    return tuple(recall_at(depth, ranks) for depth in DEPTHS)
