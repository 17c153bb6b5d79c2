"""All that an evaluation found, as JSON to keep."""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

import torch

from model.datasets.base import Refusal
from model.evaluation.machine import describe_machine
from model.evaluation.retrieval.figures import CURVE_TIES, DEPTHS, Figures, RecallCurves
from model.evaluation.retrieval.normalisation import Corrected
from model.factory import EncoderSettings

SCHEMA = 1
"""Of the JSON; a change that a reader could stumble over raises it."""

PACKAGES = ("reelseek", "torch", "open_clip_torch", "numpy")


@dataclass(frozen=True)
class Counts:
    """How much of the dataset the figures stand for."""

    annotated: int
    """Items of the split, whether or not they can be used."""
    left_out: int
    """Of these, beyond the limit that was asked for."""
    evaluated: int
    photographs: int
    """Of those evaluated, encoded as single pictures."""
    refused: int
    """Of those annotated; what is refused of an item that can be used is in the refusals only."""
    captions: int
    """Of the items evaluated."""
    cut_captions: int
    """Captions longer than the model reads, of which the end was ignored."""


@dataclass(frozen=True)
class Seconds:
    """Where the time went."""

    items: float
    """Decoding and encoding them."""
    captions: float
    """Encoding them, those of a bank too."""
    ranking: float


@dataclass(frozen=True)
class RetrievalReport:
    """The figures of one model on one split of a dataset."""

    dataset: str
    split: str
    settings: EncoderSettings
    prompts: tuple[str, ...]
    """What each caption was put into."""
    device: torch.device
    counts: Counts
    refusals: tuple[Refusal, ...]
    figures: Figures
    corrected: Mapping[str, Corrected]
    """What the figures are after corrections, by their names; never the result."""
    curves: RecallCurves
    seconds: Seconds

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        seconds = asdict(self.seconds)
        return {
            "schema": SCHEMA,
            "dataset": self.dataset,
            "split": self.split,
            "model": {
                **self.settings.to_json(),
                "fingerprint": self.settings.fingerprint,
                "prompts": list(self.prompts),
                "dtype": "float32",
            },
            "counts": asdict(self.counts),
            "refusals": [asdict(refusal) for refusal in self.refusals],
            "figures": self.figures.to_json(),
            "corrected": {name: found.to_json() for name, found in self.corrected.items()},
            "recall_curves": {"ties": CURVE_TIES, "depths": list(DEPTHS), **asdict(self.curves)},
            "seconds": {**seconds, "total": sum(seconds.values())},
            "versions": versions(),
            "machine": describe_machine(self.device),
        }


def versions() -> dict[str, str | None]:
    """Return the versions of what computes the figures; None for what is not installed as a package."""
    found: dict[str, str | None] = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
