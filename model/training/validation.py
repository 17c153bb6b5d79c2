"""How well a model in training retrieves on the validation split: what selects the epoch that is kept.

The papers select on their test splits, which makes their figures somewhat too good; we never do.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.datasets.frame_store import FrameStore
from model.datasets.frames import choose_frames
from model.evaluation.caption_groups import CaptionMetrics, evaluate_captions
from model.training.gathering import Processes
from model.training.loading import caption_counts
from model.training.towers import Towers

TEXTS_AT_ONCE = 256


@dataclass(frozen=True)
class Validator:
    """The validation split, and how much of it goes through the towers at once."""

    store: FrameStore
    tokens: Tensor
    """(captions, words) int64, item by item."""
    frames: int
    """T."""
    videos_at_once: int
    processes: Processes

    def measure(self, towers: Towers) -> CaptionMetrics:
        """Return how captions and videos rank one another; each process encodes its share.

        Raises ValueError for vectors that are not finite.
        """
        own = self.processes.share(len(self.store.items))
        items = range(own.start, own.stop)
        parts = [
            towers.videos(self._read(items[start : start + self.videos_at_once]))
            for start in range(0, len(items), self.videos_at_once)
        ]
        texts = self.tokens[self.processes.share(len(self.tokens))]
        found = self.processes.gather_objects((parts, list(towers.texts(texts.split(TEXTS_AT_ONCE)))))
        videos = torch.cat([part for share, _ in found for part in share])  # (V, D)
        captions = torch.stack([text for _, share in found for text in share])  # (Q, D)
        owners = np.repeat(np.arange(len(videos)), caption_counts(self.store.items))
        return evaluate_captions((captions @ videos.T).numpy(), owners)

    def _read(self, items: range) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        """Return the middle frames (B, T, H, W, 3) of these items."""
        return np.stack(
            [self.store.pick(item, choose_frames(self.store.count(item), self.frames)) for item in items]
        )
