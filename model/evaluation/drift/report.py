"""How each reducer trades speed for fidelity, and what to make of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from model.decoded_stream import RefusedVideo
from model.evaluation.drift.encoding import Encoded
from model.evaluation.drift.metrics import (
    CosineDrift,
    RankAgreement,
    Vectors,
    agreement_of_neighbours,
    agreement_of_queries,
    measure_drift,
)
from model.evaluation.timing import Spread, ratios

ENOUGH_OVERLAP = 0.9
"""Nine of the first ten hits in common: one seldom notices the tenth."""

UNREDUCED = "none"


@dataclass(frozen=True)
class ReducerDrift:
    """What one reducer costs and saves, against the same clips unreduced."""

    reducer: str
    speed_up: float
    """Clips encoded in the time of one unreduced clip: the median over the timed batches."""
    speed_up_quartiles: tuple[float, float]
    """The middle half of the batches lies between them."""
    clip_cosine: CosineDrift
    segment_cosine: CosineDrift | None
    """None where reduced clips have another number of segments."""
    words: RankAgreement
    """How alike word queries rank the clips."""
    neighbours: RankAgreement
    """How alike each clip ranks the others."""


@dataclass(frozen=True)
class DriftReport:
    """Everything that was compared."""

    model: str
    frames_per_clip: int
    clips: int
    videos: int
    refusals: list[RefusedVideo]
    queries: int
    asked_depth: int
    depth: int
    """Places of each ranking that were compared, ``asked_depth`` if there are clips enough."""
    timed_clips: int
    recommended: str
    reducers: list[ReducerDrift]
    """Fastest first, ``none`` among them."""


def depth_for(clips: int, top_k: int) -> int:
    """Return how many places are compared: ``top_k``, or half of what there is to rank if that is less.

    Rankings of few clips have most of their places in common whatever is ranked.
    """
    return min(top_k, max(1, (clips - 1) // 2))


def compare(
    names: Sequence[str], encoded: Sequence[Encoded], words: Vectors, depth: int
) -> list[ReducerDrift]:
    """Return what each of the reducers called ``names`` does, fastest first; the first name is ``none``."""
    unreduced = encoded[0]
    drifts = [_drift(name, unreduced, one, words, depth) for name, one in zip(names, encoded, strict=True)]
    return sorted(drifts, key=lambda drift: drift.speed_up, reverse=True)


def _drift(name: str, unreduced: Encoded, reduced: Encoded, words: Vectors, depth: int) -> ReducerDrift:
    before, after = unreduced.vectors, reduced.vectors
    # Pair by pair, because what slows one batch down slows all encoders of it.
    speed_up = Spread.of(ratios(unreduced.batch_s, reduced.batch_s))
    has_same_segments = before.segments.shape == after.segments.shape
    return ReducerDrift(
        reducer=name,
        speed_up=speed_up.median,
        speed_up_quartiles=(speed_up.lower_quartile, speed_up.upper_quartile),
        clip_cosine=measure_drift(before.clips, after.clips),
        segment_cosine=measure_drift(before.segments, after.segments) if has_same_segments else None,
        words=agreement_of_queries(before.clips, after.clips, words, depth),
        neighbours=agreement_of_neighbours(before.clips, after.clips, depth),
    )


def recommend(drifts: Sequence[ReducerDrift]) -> str:
    """Return the name of the fastest that keeps enough of the hits for words; ``none`` keeps them all."""
    faithful = [drift for drift in drifts if drift.words.overlap >= ENOUGH_OVERLAP]
    return max(faithful, key=lambda drift: drift.speed_up).reducer


def conclusion(drifts: Sequence[ReducerDrift], depth: int) -> str:
    """Return in a sentence which reducer to choose."""
    best = {drift.reducer: drift for drift in drifts}[recommend(drifts)]
    if best.reducer != UNREDUCED:
        return (
            f"Fastest with at least {ENOUGH_OVERLAP:.2f} of the first {depth} hits for words in common: "
            f"{best.reducer}, {best.speed_up:.2f} times as fast as unreduced, with {best.words.overlap:.2f}."
        )
    nearest = max(
        (drift for drift in drifts if drift.reducer != UNREDUCED), key=lambda drift: drift.words.overlap
    )
    return (
        f"Nothing faster than unreduced keeps {ENOUGH_OVERLAP:.2f} of the first {depth} hits for words. "
        f"The most faithful is {nearest.reducer}: {nearest.words.overlap:.2f}, "
        f"{nearest.speed_up:.2f} times as fast as unreduced."
    )
