"""Whether one model orders judged clips better than another, on the clips that both have read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from model.evaluation.judged_ranking import CondensedList, bootstrap_interval, condense

ENOUGH_QUERIES = 10
"""With fewer of them an interval is narrower than what it claims, and no model is called better."""

Scores: TypeAlias = Mapping[str, Mapping[str, float]]
"""Of each query: the score of each of its clips."""

Relevance: TypeAlias = Mapping[str, Mapping[str, bool]]
"""Of each query: whether each clip that was judged is right."""

Verdict: TypeAlias = Literal["better", "worse", "cannot tell"]


@dataclass(frozen=True)
class Difference:
    """How much better one model orders than another."""

    queries: int
    ndcg_at_10: float
    interval: tuple[float, float]
    """95 %, by bootstrap over the queries."""
    verdict: Verdict


def has_both_kinds(clips: Mapping[str, bool]) -> bool:
    """Return whether there is a clip that is right and one that is wrong: else there is nothing to order."""
    return len(set(clips.values())) == 2


def condense_query(scores: Mapping[str, float], relevance: Mapping[str, bool]) -> CondensedList:
    """Return the quality of one query's scores of the clips in ``relevance``; raises as ``condense``."""
    values = np.array([scores[clip] for clip in relevance])
    return condense(values, np.array(list(relevance.values()), dtype=bool))


def compare(scores: Scores, others: Scores, relevance: Relevance) -> Difference | None:
    """Return how much better ``scores`` are than ``others`` where both have some; None without a query."""
    differences = []
    for query in scores:
        of_both = scores[query].keys() & others.get(query, {}).keys()
        clips = {clip: is_right for clip, is_right in relevance[query].items() if clip in of_both}
        if has_both_kinds(clips):
            ours, theirs = (condense_query(one[query], clips).ndcg for one in (scores, others))
            differences.append(ours - theirs)
    if not differences:
        return None
    low, high = bootstrap_interval(np.array(differences))
    mean = float(np.mean(differences))
    return Difference(len(differences), mean, (low, high), _verdict(len(differences), low, high))


def _verdict(queries: int, low: float, high: float) -> Verdict:
    if queries >= ENOUGH_QUERIES and low > 0:
        return "better"
    return "worse" if queries >= ENOUGH_QUERIES and high < 0 else "cannot tell"
