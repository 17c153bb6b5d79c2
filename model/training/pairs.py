"""Which pairs of video and caption each step sees, in an order that depends on the seed and the epoch alone.

An epoch sees every pair once, but for the few that fill no whole batch: others in each epoch, as in the
published code, which shuffles all pairs. Here the captions of one video are spread over the epoch, at random,
and kept out of each other's batches, where the loss would hold one of them to be false. Two meet only where a
batch could not be filled otherwise.
"""

from collections import deque
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


class PairSampler:
    """Batches of B pairs, step by step.

    Pairs are counted through the items, caption by caption. Raises ValueError for less than one batch.
    """

    def __init__(self, captions: Sequence[int], batch: int, seed: int) -> None:
        self._captions = np.asarray(captions)
        self._seed = seed
        self.batch = batch
        self.pairs = int(self._captions.sum())
        self.items = np.repeat(np.arange(len(captions)), self._captions)
        """(pairs,): the item of each."""
        if self.pairs < batch:
            raise ValueError(
                f"the training split has {self.pairs} pairs of video and caption: a batch takes {batch}"
            )
        self._order = lru_cache(maxsize=2)(self._shuffle)  # readers are in two epochs at most

    @property
    def steps_per_epoch(self) -> int:
        """The whole batches of an epoch."""
        return self.pairs // self.batch

    def epoch_of(self, step: int) -> int:
        """Return the epoch, from 0, that ``step`` belongs to."""
        return step // self.steps_per_epoch

    def pairs_of(self, step: int) -> NDArray[np.int64]:
        """Return the pairs (B,) of ``step``, counted from 0 through all epochs."""
        epoch, place = divmod(step, self.steps_per_epoch)
        return self._order(epoch)[place * self.batch : (place + 1) * self.batch]

    def generator_of(self, step: int, pair: int) -> np.random.Generator:
        """Return the random numbers of a pair in the epoch of ``step``, the same in whichever process."""
        return np.random.default_rng([self._seed, self.epoch_of(step), pair, 1])

    def seed_of(self, step: int, place: int) -> int:
        """Return the seed for what is drawn while the pairs from ``place`` in the batch of ``step`` pass."""
        return int(np.random.default_rng([self._seed, step, place, 2]).integers(2**62))

    def _shuffle(self, epoch: int) -> NDArray[np.int64]:
        generator = np.random.default_rng([self._seed, epoch, 0])
        starts = np.repeat(np.cumsum(self._captions) - self._captions, self._captions)
        drawn = np.lexsort((generator.random(self.pairs), self.items))  # captions of each item, shuffled
        turn = np.empty(self.pairs, dtype=np.int64)
        turn[drawn] = np.arange(self.pairs) - starts
        when = (turn + generator.random(self.pairs)) / self._captions[self.items]
        return self._part(np.argsort(when, kind="stable"))

    def _part(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the order with each video once a batch: a pair that comes too early waits for the next."""
        queue = deque(order.tolist())
        parted: list[int] = []
        for _ in range(self.steps_per_epoch):
            batch: dict[int, int] = {}  # item to pair
            early: list[int] = []
            while queue and len(batch) < self.batch:
                pair = queue.popleft()
                if int(self.items[pair]) in batch:
                    early.append(pair)
                else:
                    batch[int(self.items[pair])] = pair
            lacking = self.batch - len(batch)
            parted += [*batch.values(), *early[:lacking]]
            queue.extendleft(reversed(early[lacking:]))
        return np.array(parted)
