"""Libraries drawn from a dataset, each searched with what was asked for in it and without."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.calibration.hubness import centre, csls
from model.calibration.reach import Reach
from model.evaluation.presence.searches import CAPTIONS, Searches
from model.evaluation.presence.statistics import STATISTICS
from model.evaluation.query_normalisation import querybank_normalise
from model.evaluation.retrieval_metrics import RetrievalMetrics, rank, summarise

Vectors = NDArray[np.float32]

CLIPS_DRAWN = 2000
"""In all libraries of one size together: small ones are drawn more often."""

SEARCHES_EACH = 200
"""At most, in one library: each is made once more without what it should find."""

RAW_ORDER = "cosine"


@dataclass(frozen=True)
class Measured:
    """S searches of one style in libraries of one size."""

    style: str
    clips: int
    present: Mapping[str, NDArray[np.float64]]
    """Each statistic (S,) with what was asked for in the library."""
    absent: Mapping[str, NDArray[np.float64]]
    """And with all of it taken out."""
    is_right: NDArray[np.bool_]
    """(S,): whether the best hit was right, when there was something to find."""


def measure_presence(items: Vectors, searches: Searches, bank: Vectors, size: int, seed: int = 0) -> Measured:
    """Return the statistics of ``searches`` in libraries of ``size`` of the items (V, D); bank (P, D)."""
    parts = [
        _search_library(items[drawn], _within(searches, drawn, generator), bank)
        for drawn, generator in _draw(len(items), size, seed)
    ]
    present = {name: np.concatenate([there[name] for there, _, _ in parts]) for name in STATISTICS}
    absent = {name: np.concatenate([gone[name] for _, gone, _ in parts]) for name in STATISTICS}
    is_right = np.concatenate([right for _, _, right in parts])
    return Measured(searches.style, min(size, len(items)), present, absent, is_right)


def measure_orders(
    items: Vectors, searches: Searches, bank: Vectors, size: int, seed: int = 0
) -> dict[str, RetrievalMetrics]:
    """Return how well captions rank their items, by cosine and with each correction of hubs."""
    if searches.style != CAPTIONS:
        raise ValueError(f"searches are {searches.style}: only captions have one right item")
    ranks: dict[str, list[NDArray[np.float64]]] = {}
    for drawn, generator in _draw(len(items), size, seed):
        clips, (queries, is_right) = items[drawn], _within(searches, drawn, generator)
        for name, scores in _orders(queries, clips, bank).items():
            ranks.setdefault(name, []).append(rank(scores, is_right.argmax(axis=1)))
    return {name: summarise(np.concatenate(found)) for name, found in ranks.items()}


def _orders(queries: Vectors, clips: Vectors, bank: Vectors) -> dict[str, NDArray[np.floating]]:
    scores, bank_scores = queries @ clips.T, bank @ clips.T
    return {
        RAW_ORDER: scores,
        "CSLS": csls(scores, bank_scores),
        "CSLS, a fifth of it": csls(scores, bank_scores, weight=0.1),
        "centred": centre(queries, bank) @ clips.T,
        "centred, a third of it": centre(queries, bank, weight=1 / 3) @ clips.T,
        "QB-Norm": querybank_normalise(scores, bank_scores),
    }


def _draw(available: int, size: int, seed: int) -> Iterator[tuple[NDArray[np.int64], np.random.Generator]]:
    generator = np.random.default_rng(seed)
    libraries = max(1, CLIPS_DRAWN // size) if size < available else 1
    for _ in range(libraries):
        yield generator.permutation(available)[:size], generator


def _within(
    searches: Searches, drawn: NDArray[np.int64], generator: np.random.Generator
) -> tuple[Vectors, NDArray[np.bool_]]:
    """Return vectors and truth of searches that have something to find, and something else beside it."""
    is_right = searches.is_right[:, drawn]
    found = is_right.sum(axis=1)
    usable = np.flatnonzero((found > 0) & (found <= len(drawn) - 3))
    chosen = generator.permutation(usable)[:SEARCHES_EACH]
    return searches.vectors[chosen], is_right[chosen]


def _search_library(
    clips: Vectors, searches: tuple[Vectors, NDArray[np.bool_]], bank: Vectors
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]], NDArray[np.bool_]]:
    queries, is_right = searches
    scores, bank_scores = queries @ clips.T, bank @ clips.T
    present = _statistics(scores, bank_scores)
    without = [
        _statistics(scores[row : row + 1, ~right], bank_scores[:, ~right])
        for row, right in enumerate(is_right)
    ]
    absent = {name: np.array([one[name][0] for one in without]) for name in STATISTICS}
    return present, absent, is_right[np.arange(len(scores)), scores.argmax(axis=1)]


def _statistics(scores: Vectors, bank_scores: Vectors) -> dict[str, NDArray[np.float64]]:
    best = bank_scores.max(axis=1)
    reach = Reach(float(best.mean()), float(best.std()), scores.shape[1])
    return {name: statistic(scores, reach) for name, statistic in STATISTICS.items()}
