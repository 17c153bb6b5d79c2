"""Fine-tuning of a video-text encoder on captioned videos."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from model.datasets.base import Dataset, Split
from model.training.run import (
    Overrides,
    Precision,
    Speed,
    TrainingOutcome,
    TrainingRun,
    Validation,
)

__all__ = ["Overrides", "Precision", "Speed", "TrainingOutcome", "TrainingRun", "Validation", "train"]

ReadDataset: TypeAlias = Callable[[str, Path, Split], Dataset]


class TrainingStoppedError(RuntimeError):
    """A loss or gradient was not finite; the message names the step, the last good state and the way out."""


def train(run: TrainingRun) -> TrainingOutcome:
    """Train as ``run`` says, write the best epoch to ``run.output`` as a servable model, and tell of it.

    An unfinished run of the same settings in that folder is taken up where it was. Raises ValueError for
    settings that cannot be, DatasetError for a dataset that is not there, and TrainingStoppedError.
    """
    raise NotImplementedError
