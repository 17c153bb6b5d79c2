"""Batches of frames and tokens, read ahead by threads: decoding a JPEG leaves Python's lock to others."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from model.datasets.base import CaptionedItem
from model.datasets.frame_store import FrameStore
from model.datasets.frames import choose_frames
from model.training.augmentation import augment
from model.training.contrastive import MicroBatch
from model.training.pairs import PairSampler

STEPS_AHEAD = 2
"""Batches that wait in memory, so that one slow read holds nothing up."""


@dataclass(frozen=True)
class PairReader:
    """Turns pairs into frames and tokens."""

    store: FrameStore
    tokens: Tensor
    """(pairs, words) int64: those of each caption, item by item."""
    sampler: PairSampler
    frames: int
    """T."""
    augments: bool

    def read(self, step: int, pair: int) -> NDArray[np.uint8]:
        """Return frames (T, H, W, 3) of the video of ``pair``: one of each T-th, drawn, and then altered."""
        generator = self.sampler.generator_of(step, pair)
        item = int(self.sampler.items[pair])
        chosen = choose_frames(self.store.count(item), self.frames, generator)
        frames = self.store.pick(item, chosen)
        return augment(frames, generator) if self.augments else frames

    def micro_batches(
        self, step: int, share: slice, size: int, pool: ThreadPoolExecutor
    ) -> list["PendingMicroBatch"]:
        """Begin to read a process's ``share`` of the batch of ``step``, in parts of ``size`` pairs."""
        places = range(*share.indices(self.sampler.batch))
        pairs = self.sampler.pairs_of(step)
        pending = []
        for start in range(places.start, places.stop, size):
            own = pairs[start : min(start + size, places.stop)]
            frames = [pool.submit(self.read, step, int(pair)) for pair in own]
            pending.append(PendingMicroBatch(frames, self.tokens[own], self.sampler.seed_of(step, start)))
        return pending


@dataclass(frozen=True)
class PendingMicroBatch:
    """Pairs whose frames are being read."""

    frames: Sequence["Future[NDArray[np.uint8]]"]
    tokens: Tensor
    seed: int

    def wait(self) -> MicroBatch:
        """Return the pairs when they are there; raises what reading them raised."""
        return MicroBatch(np.stack([future.result() for future in self.frames]), self.tokens, self.seed)


def read_ahead(
    reader: PairReader, steps: range, share: slice, size: int, workers: int
) -> Iterator[list[MicroBatch]]:
    """Yield this process's ``share`` of each of ``steps``, in micro-batches of ``size`` pairs at most."""
    pool = ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="frames")
    try:
        waiting: deque[list[PendingMicroBatch]] = deque()
        for step in steps:
            waiting.append(reader.micro_batches(step, share, size, pool))
            if len(waiting) > STEPS_AHEAD:
                yield [pending.wait() for pending in waiting.popleft()]
        while waiting:
            yield [pending.wait() for pending in waiting.popleft()]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def caption_counts(items: Sequence[CaptionedItem]) -> list[int]:
    """Return how many captions each item has."""
    return [len(item.captions) for item in items]


def all_captions(items: Sequence[CaptionedItem]) -> list[str]:
    """Return the captions of all items, item by item."""
    return [caption for item in items for caption in item.captions]
