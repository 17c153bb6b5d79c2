"""A trained model on the test split, in both directions, with the reduction it was trained with."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.datasets.base import Dataset, VideoFile
from model.datasets.frame_store import FrameStore
from model.datasets.registry import read_dataset
from model.evaluation.caption_groups import CaptionMetrics
from model.evaluation.retrieval.encoders import RetrievalEncoders, load_retrieval_encoders
from model.evaluation.retrieval.evaluation import Plan, evaluate_dataset
from model.factory import AUTO, choose_device
from model.training.preparation import candidates_for
from model.training.run import TrainingRun

BATCH = 8
"""Videos encoded at once."""


@dataclass(frozen=True)
class Tested:
    """What a test gave."""

    metrics: CaptionMetrics
    refused: tuple[str, ...]
    """Test videos that could not be used."""


@dataclass(frozen=True)
class KeptFrames:
    """The frames of a video file that were decoded before: every part of a comparison tests on them."""

    store: FrameStore
    place: int

    def render(self, size: int) -> NDArray[np.uint8]:
        """Return the candidates (F, size, size, 3), which were decoded in this size."""
        return self.store.candidates(self.place)


def test_model(run: TrainingRun) -> Tested:
    """Return how the model that ``run`` trained does on the test split, computed in float32.

    Raises ValueError if no test video can be used.
    """
    encoders = load_retrieval_encoders(str(run.output), AUTO, run.device)
    dataset = read_dataset(run.dataset, run.root, "test")
    if run.frame_store is not None:
        dataset = _decode_once(dataset, encoders, run.frame_store)
    report = evaluate_dataset(dataset, encoders, Plan(choose_device(run.device), batch=BATCH))
    figures = report.figures
    metrics = CaptionMetrics(figures.text_to_video["expected"], figures.video_to_text["expected"])
    return Tested(metrics, tuple(f"{one.name}: {one.code}" for one in report.refusals))


def _decode_once(dataset: Dataset, encoders: RetrievalEncoders, folder: Path) -> Dataset:
    """Return the dataset with the frames of its video files kept in ``folder``."""
    files = [item for item in dataset.items if isinstance(item.media, VideoFile)]
    sampling = candidates_for(encoders.video.frames_per_clip)
    store = FrameStore.prepare(files, encoders.video.preprocessing, sampling, folder)
    kept = {id(item): replace(item, media=KeptFrames(store, place)) for place, item in enumerate(store.items)}
    refused = {refusal.name for refusal in store.refusals}
    items = [
        kept.get(id(item), item)
        for item in dataset.items
        if not (isinstance(item.media, VideoFile) and item.name in refused)
    ]
    return replace(dataset, items=tuple(items), refusals=(*dataset.refusals, *store.refusals))
