"""The figures after a correction by other queries: never the result, and shown apart (MODEL-SPEC §6.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from model.evaluation.query_normalisation import dual_softmax, querybank_normalise
from model.evaluation.retrieval.figures import Figures, measure
from model.evaluation.retrieval.reading import CaptionBank
from model.evaluation.retrieval_metrics import Scores, TiePolicy


class Normalisation(StrEnum):
    """Which corrections to report."""

    NONE = "none"
    DUAL_SOFTMAX = "dsl"
    QUERYBANK = "qb-norm"
    ALL = "all"

    def includes(self, other: "Normalisation") -> bool:
        """Tell whether ``other`` was asked for."""
        return self in (other, Normalisation.ALL)


@dataclass(frozen=True)
class Corrected:
    """What one correction gives; without ``figures`` it could not be made, and ``absence`` says why."""

    figures: Figures | None
    detail: str = ""
    absence: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the figures as JSON values."""
        figures = None if self.figures is None else self.figures.to_json()
        return {"figures": figures, "detail": self.detail, "absence": self.absence or None}


def correct_by_softmax(
    scores: Scores, owners: NDArray[np.integer], scale: float, policies: Sequence[TiePolicy]
) -> Corrected:
    """Return the figures by dual softmax over cosines (Q, V) times ``scale``, in both directions."""
    logits = scores.astype(np.float64) * scale
    by_text = measure(dual_softmax(logits), owners, policies)
    by_video = measure(dual_softmax(logits.T).T, owners, policies)
    detail = f"softmax over all test queries, logit scale {scale:.2f}"
    return Corrected(Figures(by_text.text_to_video, by_video.video_to_text), detail)


def correct_by_bank(
    scores: Scores,
    owners: NDArray[np.integer],
    bank_scores: Scores,
    bank: CaptionBank,
    policies: Sequence[TiePolicy],
) -> Corrected:
    """Return the figures by a querybank's scores (captions, V).

    Only from text to video: the rows corrected and the others differ in scale, and columns cannot be read.
    """
    if not len(bank_scores):
        return Corrected(None, absence=bank.absence)
    figures = measure(querybank_normalise(scores, bank_scores), owners, policies)
    detail = f"bank of {len(bank.captions):,} of {bank.available:,} training captions, beta 20, k 1"
    return Corrected(Figures(figures.text_to_video), detail)
