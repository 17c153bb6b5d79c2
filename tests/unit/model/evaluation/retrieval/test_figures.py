"""Metrics by direction and tie policy, and the curves."""

from typing import get_args

import numpy as np
import pytest

from model.evaluation.retrieval.figures import DEPTHS, measure, trace_recall
from model.evaluation.retrieval_metrics import TiePolicy

SCORES = np.random.default_rng(5).normal(size=(120, 40)).astype(np.float32)
OWNERS = np.repeat(np.arange(40), 3)


def test_the_curves_pass_through_the_recalls_of_the_table() -> None:
    found, curves = measure(SCORES, OWNERS, ["expected"]), trace_recall(SCORES, OWNERS)
    for curve, by_policy in (
        (curves.text_to_video, found.text_to_video),
        (curves.video_to_text, found.video_to_text),
    ):
        metrics = by_policy["expected"]
        at = dict(zip(DEPTHS, curve, strict=True))
        assert (at[1], at[5], at[10]) == (metrics.recall_at_1, metrics.recall_at_5, metrics.recall_at_10)
        assert list(curve) == sorted(curve)
        assert at[100] == 100  # of 40 candidates


def test_every_policy_asked_for_is_in_the_json_with_the_sum_of_recalls() -> None:
    policies = get_args(TiePolicy)
    written = measure(SCORES, OWNERS, policies).to_json()
    assert list(written["text_to_video"]) == list(policies) == list(written["video_to_text"])
    figures = written["video_to_text"]["legacy"]
    recalls = [figures[f"recall_at_{depth}"] for depth in (1, 5, 10)]
    assert figures["recall_sum"] == pytest.approx(sum(recalls))
