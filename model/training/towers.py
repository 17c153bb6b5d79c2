"""Both towers of a model that is being trained, computing in the number type that was asked for."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.precision import fast_dtype
from model.preprocessing import Preprocessing
from model.temporal_pooling import pool_mean
from model.training.contrastive import MicroBatch, PairVectors
from model.training.run import Precision
from model.training.short_texts import encode_texts
from model.training.trainable_model import TrainableModel
from model.vision_transformer.video_tower import VideoTower


def number_type(precision: Precision, device: torch.device) -> torch.dtype:
    """Return what the towers compute in; raises ValueError for an unknown name."""
    known = {"auto": fast_dtype(device), "float32": torch.float32, "bfloat16": torch.bfloat16}
    if precision not in known:
        raise ValueError(f"precision is {precision!r}: name one of {', '.join(known)}")
    return known[precision]


class Towers:
    """Frames and tokens in, unit vectors out: in float32, whatever is computed with on the way.

    The weights stay float32; autocast makes copies for each use.
    """

    def __init__(
        self,
        trainable: TrainableModel,
        preprocessing: Preprocessing,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        tower, frames = trainable.model.visual, trainable.recipe.frames
        self._trainable = trainable
        self._preprocessing = preprocessing
        self._device, self._dtype = device, dtype
        self._training = VideoTower(tower, trainable.reducer, frames)
        self._serving = VideoTower(tower, trainable.serving_reducer, frames)

    def encode_pairs(self, batch: MicroBatch) -> PairVectors:
        """Return the vectors of pairs as training sees them: the reducer may draw."""
        videos = self._encode_videos(self._training, batch.frames)
        return PairVectors(videos, self._encode_texts(batch.tokens))

    @torch.no_grad()
    def videos(self, frames: NDArray[np.uint8]) -> Tensor:
        """Return the vectors (B, D) of frames (B, T, H, W, 3) as a server would."""
        return self._encode_videos(self._serving, frames).cpu()

    @torch.no_grad()
    def texts(self, tokens: Sequence[Tensor]) -> Tensor:
        """Return the vectors (Q, D) of batches of tokens (n, words)."""
        return torch.cat([self._encode_texts(batch).cpu() for batch in tokens])

    def _encode_videos(self, tower: VideoTower, frames: NDArray[np.uint8]) -> Tensor:
        pictures = self._preprocessing.to_tensor(frames, self._device, torch.float32)  # (B*T, 3, H, W)
        with self._autocast():
            vectors = tower.run(pictures).vectors
        return pool_mean(vectors.float().unflatten(0, (len(frames), -1)))

    def _encode_texts(self, tokens: Tensor) -> Tensor:
        with self._autocast():
            return encode_texts(self._trainable.model, tokens.to(self._device)).float()

    def _autocast(self) -> torch.autocast:
        """Return a new context: the copies of one with gradients are no good to one without."""
        return torch.autocast(self._device.type, self._dtype, enabled=self._dtype is not torch.float32)
