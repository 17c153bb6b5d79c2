"""From a dataset and encoders to a report: encode, score in float32, rank in both directions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from model.datasets.base import Dataset, Photograph, Refusal
from model.evaluation.retrieval.encoders import RetrievalEncoders
from model.evaluation.retrieval.encoding import (
    EncodedCaptions,
    EncodedItems,
    encode_captions,
    encode_items,
)
from model.evaluation.retrieval.figures import measure, trace_recall
from model.evaluation.retrieval.normalisation import Corrected, correct_by_bank, correct_by_softmax
from model.evaluation.retrieval.reading import CaptionBank
from model.evaluation.retrieval.report import Counts, RetrievalReport, Seconds
from model.evaluation.retrieval_metrics import Scores, TiePolicy


class NothingEvaluatedError(ValueError):
    """No item of a dataset could be used; ``refusals`` say why."""

    def __init__(self, dataset: Dataset, refusals: tuple[Refusal, ...]) -> None:
        super().__init__(f"{dataset.name}, {dataset.split}: not one item can be used, so nothing is ranked")
        self.refusals = refusals


@dataclass(frozen=True)
class Plan:
    """What is asked of an evaluation."""

    device: torch.device
    policies: Sequence[TiePolicy] = ("expected",)
    limit: int | None = None
    """The most items, the dataset's first."""
    batch: int = 8
    """Videos encoded at once."""
    uses_dual_softmax: bool = False
    bank: CaptionBank | None = None
    """For QB-Norm; None if that was not asked for."""


def evaluate_dataset(
    dataset: Dataset, encoders: RetrievalEncoders, plan: Plan, on_item: Callable[[], object] = lambda: None
) -> RetrievalReport:
    """Return how captions and items of ``dataset`` rank one another.

    ``on_item`` is called for each item read. Raises NothingEvaluatedError if every item was refused,
    ValueError for damaged weights, and VideoReadingError.
    """
    started = perf_counter()
    encoded = encode_items(dataset.items[: plan.limit], encoders, plan.batch, on_item)
    refusals = (*dataset.refusals, *encoded.refusals)
    if not encoded.items:
        raise NothingEvaluatedError(dataset, refusals)
    items_done = perf_counter()
    captions = encode_captions(encoded.items, encoders.text)
    captions_done = perf_counter()
    scores = captions.vectors @ encoded.vectors.T  # (Q, V)
    figures = measure(scores, captions.owners, plan.policies)
    curves = trace_recall(scores, captions.owners)
    ranked = perf_counter()
    return RetrievalReport(
        dataset=dataset.name,
        split=dataset.split,
        settings=encoders.settings,
        prompts=tuple(encoders.text.prompts),
        device=plan.device,
        counts=_count(dataset, encoded, captions, plan.limit),
        refusals=refusals,
        figures=figures,
        corrected=_correct(scores, captions.owners, encoded, encoders, plan),
        curves=curves,
        seconds=Seconds(items_done - started, captions_done - items_done, ranked - captions_done),
    )


def _correct(
    scores: Scores,
    owners: NDArray[np.integer],
    encoded: EncodedItems,
    encoders: RetrievalEncoders,
    plan: Plan,
) -> dict[str, Corrected]:
    found = {}
    if plan.uses_dual_softmax:
        found["dual softmax"] = correct_by_softmax(scores, owners, encoders.text.logit_scale, plan.policies)
    if plan.bank is not None:
        bank_scores = encoders.text.encode(plan.bank.captions) @ encoded.vectors.T  # (bank, V)
        found["querybank"] = correct_by_bank(scores, owners, bank_scores, plan.bank, plan.policies)
    return found


def _count(dataset: Dataset, encoded: EncodedItems, captions: EncodedCaptions, limit: int | None) -> Counts:
    asked = len(dataset.items[:limit])
    # A second file or a repeated row is refused of an item that can be used all the same.
    unusable = {refusal.name for refusal in dataset.refusals} - {item.name for item in dataset.items}
    return Counts(
        annotated=len(dataset.items) + len(unusable),
        left_out=len(dataset.items) - asked,
        evaluated=len(encoded.items),
        photographs=sum(isinstance(item.media, Photograph) for item in encoded.items),
        refused=len(unusable) + len(encoded.refusals),
        captions=len(captions.owners),
        cut_captions=captions.cut,
    )
