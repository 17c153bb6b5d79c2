"""From the settings of a training to all that its steps need: model, frames, tokens, order of pairs."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from model.checkpoint import ModelSource, hash_weights, load_positions, preprocessing_of
from model.config import resolve_preset
from model.datasets.base import CaptionedItem, Dataset, Refusal, Split, VideoFile
from model.datasets.frame_store import FrameStore
from model.datasets.frames import Sampling
from model.factory import AUTO
from model.preprocessing import Preprocessing
from model.token_reduction.base import TokenReducer
from model.token_reduction.naming import parse_reduction
from model.training.events import FramesRead, Observe, Refused
from model.training.gathering import Processes
from model.training.loading import all_captions, caption_counts
from model.training.pairs import PairSampler
from model.training.recipes import Recipe, recipe_for
from model.training.run import TrainingRun
from model.training.short_texts import usable_length
from model.training.towers import number_type
from model.training.trainable_model import TrainableModel, prepare_for_training
from model.vision_transformer.video_tower import SEEN_FROM_OUTSIDE, can_reduce, open_trunk

logger = logging.getLogger(__name__)

ReadDataset: TypeAlias = Callable[[str, Path, Split], Dataset]

SPLITS: tuple[Split, Split] = ("train", "validation")

CANDIDATES_A_FRAME = 3
"""A long video keeps so many candidates for each frame that is chosen of it, or 60 if that is more."""


@dataclass(frozen=True)
class CaptionedFrames:
    """One split, ready to be encoded."""

    store: FrameStore
    tokens: Tensor
    """(captions, words) int64, item by item."""


@dataclass(frozen=True)
class Prepared:
    """A training before its first step."""

    source: ModelSource
    trainable: TrainableModel
    preprocessing: Preprocessing
    device: torch.device
    dtype: torch.dtype
    training: CaptionedFrames
    validation: CaptionedFrames
    sampler: PairSampler
    steps: int
    trained_numbers: int
    refusals: tuple[Refusal, ...]
    settings: dict[str, object]
    """All that the numbers depend on, as JSON values: an unfinished training of others is not taken up."""

    @property
    def recipe(self) -> Recipe:
        """With the overrides in it."""
        return self.trainable.recipe


class Preparation:
    """Makes a run ready on the device of one of the processes that will train it."""

    def __init__(
        self, run: TrainingRun, processes: Processes, device: torch.device, observe: Observe
    ) -> None:
        self._run = run
        self._processes = processes
        self._device = device
        self._observe = observe
        self._recipe = run.overrides.apply(recipe_for(run.recipe, run.dataset))
        self._dtype = number_type(run.precision, device)
        self._preset = resolve_preset(run.preset)

    def make(self, read: ReadDataset) -> Prepared:
        """Return everything; videos that were not decoded before are decoded now, by the first process.

        Raises ValueError for settings that do not fit, DatasetError for a dataset that is not there.
        """
        trainable, weights_sha256 = self._model()
        preprocessing = preprocessing_of(trainable.model)
        training, validation, refusals = self._splits(read, trainable, preprocessing)
        sampler = self._sampler(training.store.items)
        steps = count_steps(self._recipe, sampler.steps_per_epoch, self._run.max_steps)
        settings: dict[str, object] = {
            "dataset": self._run.dataset,
            "training split": digest(training.store.items),
            "validation split": digest(validation.store.items),
            "weights": weights_sha256,
            "reducer": trainable.reducer.name,
            "steps": steps,
            "seed": self._run.seed,
            "precision": str(self._dtype).removeprefix("torch."),
        }
        return Prepared(
            source=self._preset.source,
            trainable=trainable,
            preprocessing=preprocessing,
            device=self._device,
            dtype=self._dtype,
            training=training,
            validation=validation,
            sampler=sampler,
            steps=steps,
            trained_numbers=sum(weight.numel() for weight in trainable.trained_parameters().values()),
            refusals=refusals,
            settings=asdict(self._recipe) | settings | {"batch": sampler.batch},
        )

    def _model(self) -> tuple[TrainableModel, str]:
        """Return the model to train, and a hash of the weights that it begins with."""
        torch.manual_seed(self._run.seed)  # of the adapters
        model = self._preset.source.build().to(self._device)
        weights_sha256 = hash_weights(model)
        trainable = prepare_for_training(model, self._reducer(model.visual), self._recipe)
        folder = self._preset.source.folder
        if folder is not None and trainable.positions is not None:
            load_positions(folder, trainable.positions)
        if self._run.checkpointing:
            model.set_grad_checkpointing()
        return trainable, weights_sha256

    def _splits(
        self, read: ReadDataset, trainable: TrainableModel, preprocessing: Preprocessing
    ) -> tuple[CaptionedFrames, CaptionedFrames, tuple[Refusal, ...]]:
        """Return training and validation split, and what cannot be used of either."""
        splits = [read(self._run.dataset, self._run.root, name) for name in SPLITS]
        stores = [self._decode(split, preprocessing) for split in splits]
        self._check_alike(stores)
        lists = [*(split.refusals for split in splits), *(store.refusals for store in stores)]
        refusals = tuple(dict.fromkeys(refusal for part in lists for refusal in part))
        self._tell(refusals)
        training, validation = (self._tokenise(store, trainable) for store in stores)
        return training, validation, refusals

    def _reducer(self, tower: torch.nn.Module) -> TokenReducer:
        """Return the reducer asked for; ``auto`` is the recipe's own, else the preset's, else CenterCLIP."""
        is_reducible = can_reduce(tower)
        name = self._run.reducer.strip().lower()
        if name == AUTO and self._recipe.name.startswith("tempme"):
            name = "tempme"
        elif name == AUTO:
            name = self._preset.settings.reduction
        if name == AUTO:
            name = "centerclip" if is_reducible else "none"
        shape = open_trunk(tower).shape if is_reducible else SEEN_FROM_OUTSIDE
        return parse_reduction(name, shape, self._recipe.frames)

    def _decode(self, split: Dataset, preprocessing: Preprocessing) -> FrameStore:
        """Return the candidates of a split: the first process makes the store, the others find it made."""
        sampling = candidates_for(self._recipe.frames)
        folder = self._run.frame_store or self._run.work / "frames"
        if not self._processes.is_first:
            self._processes.wait()
            return FrameStore.prepare(split.items, preprocessing, sampling, folder)

        def tell(done: int, total: int) -> None:
            self._observe(FramesRead(split.split, done, total))

        store = FrameStore.prepare(split.items, preprocessing, sampling, folder, tell)
        self._processes.wait()
        if not store.items:
            raise ValueError(
                f"the {split.split} split of {self._run.dataset} in {self._run.root} has no video that can "
                f"be used ({len(split.refusals) + len(store.refusals)} refused): add some"
            )
        return store

    def _check_alike(self, stores: Sequence[FrameStore]) -> None:
        """Raise ValueError if the processes do not see the same videos, as on machines with other files."""
        seen = self._processes.gather_objects([digest(store.items) for store in stores])
        if any(others != seen[0] for others in seen):
            raise ValueError("the processes found different videos: let all of them read the same folder")

    def _tell(self, refusals: tuple[Refusal, ...]) -> None:
        if not refusals:
            return
        self._observe(Refused(refusals))
        for refusal in refusals:
            logger.warning(
                "%s cannot be used: %s",
                refusal.name,
                refusal.reason,
                extra={"action": "item_refused", "code": refusal.code},
            )

    def _tokenise(self, store: FrameStore, trainable: TrainableModel) -> CaptionedFrames:
        length = usable_length(trainable.model, self._recipe.words)
        tokens = self._preset.source.tokenizer()(all_captions(store.items), context_length=length)
        return CaptionedFrames(store, tokens)

    def _sampler(self, items: Sequence[CaptionedItem]) -> PairSampler:
        """Return the order of pairs, in batches no larger than the videos there are to tell apart."""
        count = self._processes.count
        if self._recipe.batch % count:
            raise ValueError(
                f"a batch of {self._recipe.batch} cannot be shared evenly by {count} processes: ask for a "
                f"multiple of {count}"
            )
        batch = min(self._recipe.batch, len(items)) // count * count
        if batch < max(2, count):
            raise ValueError(
                f"the training split has {len(items)} usable video(s), for {count} process(es): training "
                "tells videos apart, and needs two at least, and one a process"
            )
        return PairSampler(caption_counts(items), batch, self._run.seed)


def candidates_for(frames: int) -> Sampling:
    """Return how many candidates of a long video leave something to draw ``frames`` of it from."""
    return Sampling(most=max(Sampling().most, CANDIDATES_A_FRAME * frames))


def count_steps(recipe: Recipe, steps_per_epoch: int, most: int | None) -> int:
    """Return the steps of a whole training; the last of its epochs may be cut short."""
    steps = max(recipe.epochs * steps_per_epoch, recipe.least_steps)
    return steps if most is None else min(steps, most)


def digest(items: Sequence[CaptionedItem]) -> str:
    """Return a hash of what a split says and of which parts of videos, wherever the files lie."""
    parts = [
        (
            item.name,
            item.captions,
            (item.media.start_s, item.media.end_s) if isinstance(item.media, VideoFile) else (),
        )
        for item in items
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
