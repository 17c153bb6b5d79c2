"""The figures of a presence report."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.calibration import certainty
from model.evaluation.presence.measuring import Measured
from model.evaluation.presence.statistics import REACH, STATISTICS, auroc

ALL = "all"


@dataclass(frozen=True)
class LevelFigures:
    """What a level of confidence is worth; shares in per cent."""

    level: str
    right: float | None
    """Of its best hits, when half of the searches have nothing to find; None: it was never given."""
    right_if_there: float | None
    """Of its best hits in libraries that hold what was asked for."""
    share: float
    """Of all searches."""


@dataclass(frozen=True)
class PresenceFigures:
    """What searches of one style tell in libraries of one size, or of all of them."""

    style: str
    clips: int | None
    """None: libraries of all sizes, by one threshold."""
    searches: int
    right: float
    """Searches (%) whose best hit is right, where there is something to find."""
    auroc: dict[str, float]
    """Of each statistic."""
    levels: tuple[LevelFigures, ...]
    nothing_if_there: float
    """Searches (%) that are told wrongly that nothing was found."""
    nothing_if_absent: float
    """Searches (%) that are told so rightly."""


def summarise_presence(parts: Sequence[Measured]) -> PresenceFigures:
    """Return the figures of ``parts`` taken together; style and size are those they have in common."""
    present, absent = (
        {name: np.concatenate([getattr(part, side)[name] for part in parts]) for name in STATISTICS}
        for side in ("present", "absent")
    )
    is_right = np.concatenate([part.is_right for part in parts])
    styles, sizes = {part.style for part in parts}, {part.clips for part in parts}
    return PresenceFigures(
        style=styles.pop() if len(styles) == 1 else ALL,
        clips=sizes.pop() if len(sizes) == 1 else None,
        searches=len(is_right),
        right=float(is_right.mean() * 100),
        auroc={name: auroc(present[name], absent[name]) for name in STATISTICS},
        levels=_levels(parts, is_right),
        nothing_if_there=float((present[REACH] < certainty.NOTHING).mean() * 100),
        nothing_if_absent=float((absent[REACH] < certainty.NOTHING).mean() * 100),
    )


def _levels(parts: Sequence[Measured], is_right: NDArray[np.bool_]) -> tuple[LevelFigures, ...]:
    there = np.concatenate([_probabilities(part.present[REACH], part.clips) for part in parts])
    gone = np.concatenate([_probabilities(part.absent[REACH], part.clips) for part in parts])
    bounds = {
        "high": (certainty.HIGH, np.inf),
        "medium": (certainty.MEDIUM, certainty.HIGH),
        "low": (-np.inf, certainty.MEDIUM),
    }
    figures = []
    for level, (least, below) in bounds.items():
        given = (there >= least) & (there < below)
        falsely = int(((gone >= least) & (gone < below)).sum())
        count, right = int(given.sum()), int((given & is_right).sum())
        figures.append(
            LevelFigures(
                level,
                _per_cent(right, count + falsely),
                _per_cent(right, count),
                (count + falsely) / (2 * len(there)) * 100,
            )
        )
    return tuple(figures)


def _probabilities(margins: NDArray[np.float64], clips: int) -> NDArray[np.float64]:
    return np.array([certainty.probability_right(float(margin), clips) for margin in margins])


def _per_cent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
