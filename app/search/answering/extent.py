"""Where in a moment it fits: the vectors of its clips' segments tell."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.search.paging.arrangement import Found
from app.search.paging.moments import MARGIN
from indexer.catalog import vector_codec
from indexer.catalog.clips import Segments
from indexer.catalog.words_said import SaidHit

CLIPS_LOOKED_AT = 9
"""Of a long moment: its best clip and those beside it, so that a page reads a bounded number of vectors."""


class ScoredSegment(NamedTuple):
    """A part of a moment."""

    start_s: float
    end_s: float
    score: float
    """Cosine with what is looked for."""


@dataclass(frozen=True)
class Extent:
    """The part of a moment that fits."""

    best_at_s: float
    """The middle of the segment that fits best; the earlier of two equal ones."""
    start_s: float
    end_s: float


def clips_around_best(found: Found) -> tuple[int, ...]:
    """Return the embedding ids of the clips of a moment that are looked at, in time order."""
    if found.steps:
        return found.steps[0].clips
    clips = found.moment.clips
    first = max(0, clips.index(found.moment.clip) - CLIPS_LOOKED_AT // 2)
    return clips[first : first + CLIPS_LOOKED_AT]


def score_segments(segments: Segments, vector: NDArray[np.float32]) -> dict[str, list[ScoredSegment]]:
    """Return the segments of each clip, in time order, with their cosines with ``vector`` (D,)."""
    if not segments.clip_ids:
        return {}
    vectors = vector_codec.unpack(segments.vectors, len(vector))
    scores = vector_codec.cosines(vectors, vector).tolist()
    scored: dict[str, list[ScoredSegment]] = defaultdict(list)
    spans = zip(segments.starts_s, segments.ends_s, scores, strict=True)
    for clip_id, span in zip(segments.clip_ids, spans, strict=True):
        scored[clip_id].append(ScoredSegment(*span))
    return scored


def extent_of(start_s: float, end_s: float, segments: Sequence[ScoredSegment], spread: float) -> Extent:
    """Return where a moment from ``start_s`` to ``end_s`` fits, given its segments in time order.

    It reaches from the best segment as far as the next ones score nearly as well: within the margin that
    merges clips, or in the better half of what lies between best and worst. Without segments, all of it.
    """
    if not segments:
        return Extent((start_s + end_s) / 2, start_s, end_s)
    scores = [segment.score for segment in segments]
    best = scores.index(max(scores))
    least = max(scores) - max(MARGIN * spread, (max(scores) - min(scores)) / 2)
    first, last = best, best
    while first > 0 and scores[first - 1] >= least:
        first -= 1
    while last + 1 < len(segments) and scores[last + 1] >= least:
        last += 1
    middle_s = (segments[best].start_s + segments[best].end_s) / 2
    return Extent(middle_s, segments[first].start_s, segments[last].end_s)


def extent_of_words(start_s: float, end_s: float, cue: SaidHit) -> Extent:
    """Return where ``cue`` is said in a moment from ``start_s`` to ``end_s``, which may cut it off."""
    first_s, last_s = (min(max(edge_s, start_s), end_s) for edge_s in (cue.start_s, cue.end_s))
    return Extent((first_s + last_s) / 2, first_s, last_s)
