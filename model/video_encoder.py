"""Clips in, unit vectors out: one a clip to search by, and one a segment to find the moment in it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from model.preprocessing import Preprocessing
from model.temporal_pooling import pool_mean, pool_parts
from model.token_reduction.base import TokenReducer
from model.token_reduction.naming import default_segments
from model.vision_transformer import count_layers, count_patches, require_vision_transformer, run_tower


@dataclass(frozen=True)
class VideoEmbedding:
    """Vectors of B clips, on the host."""

    clips: NDArray[np.float32]
    """(B, D), unit vectors."""
    segments: NDArray[np.float32]
    """(B, S, D), unit vectors of S contiguous equal parts of the clip in time order."""


class VideoEncoder:
    """A CLIP visual tower over the frames of a clip, with or without token reduction, then mean pooling.

    ``tower`` is moved to ``device`` and ``dtype`` in place. With a reducer the segments are the sequences it
    leaves; without, they are contiguous groups of frames. A tower that is no open_clip VisionTransformer is
    run whole and takes no reducer. Raises ValueError if tower, reducer and ``frames_per_clip`` do not fit.
    """

    def __init__(
        self,
        tower: nn.Module,
        preprocessing: Preprocessing,
        reducer: TokenReducer | None = None,
        *,
        frames_per_clip: int = 12,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if frames_per_clip < 1:
            raise ValueError(f"frames_per_clip is {frames_per_clip}: the least is 1")
        self.preprocessing = preprocessing
        self.frames_per_clip = frames_per_clip
        self.segments_per_clip = _count_segments(tower, reducer, frames_per_clip)
        self._reducer = reducer
        self._device = torch.device(device)
        self._dtype = dtype
        self._tower = tower.to(self._device, dtype).eval()
        self.dimension = self._measure_dimension()

    @torch.inference_mode()
    def encode(self, frames: NDArray[np.uint8]) -> VideoEmbedding:
        """Return the vectors of RGB clips (B, T, H, W, 3), T = ``frames_per_clip``, H = W = the image size.

        Raises ValueError for another shape or type, and if the weights give numbers that are not finite.
        """
        pictures = self.preprocessing.to_tensor(frames, self._device, self._dtype)  # (B*T, 3, H, W)
        videos, count = frames.shape[:2]
        if count != self.frames_per_clip:
            raise ValueError(f"the clips have {count} frames: this encoder takes {self.frames_per_clip}")
        if videos == 0:
            return self._nothing()
        output = run_tower(self._tower, pictures, self.frames_per_clip, self._reducer)
        vectors = output.vectors.float().unflatten(0, (videos, output.sequences))  # (B, S or T, D)
        return VideoEmbedding(
            clips=_to_host(pool_mean(vectors)),
            segments=_to_host(pool_parts(vectors, self.segments_per_clip)),
        )

    def _nothing(self) -> VideoEmbedding:
        shape = (0, self.segments_per_clip, self.dimension)
        return VideoEmbedding(np.empty((0, self.dimension), np.float32), np.empty(shape, np.float32))

    @torch.inference_mode()
    def _measure_dimension(self) -> int:
        if isinstance(self._tower, VisionTransformer):
            return int(self._tower.output_dim)
        size = self.preprocessing.image_size  # other towers do not say it: show them a black picture
        black = torch.zeros(1, 3, size, size, device=self._device, dtype=self._dtype)
        return int(self._tower(black).shape[-1])


def _count_segments(tower: nn.Module, reducer: TokenReducer | None, frames: int) -> int:
    if reducer is None and not isinstance(tower, VisionTransformer):
        return default_segments(frames)
    vit = require_vision_transformer(tower)
    if reducer is None:
        return default_segments(frames)
    schedule = reducer.schedule(layers=count_layers(vit), frames=frames, patches=count_patches(vit))
    return schedule[-1].sequences


def _to_host(vectors: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = vectors.cpu().numpy()
    if not np.isfinite(array).all():
        raise ValueError(
            "the video encoder gave numbers that are not finite: its weights are damaged, or too large for "
            "its number type (float32 is the safe one)"
        )
    return array
