"""Clips in, unit vectors out: one a clip to search by, and one a segment to find the moment in it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.patch_scores import PatchScores, score_patches
from model.preprocessing import Preprocessing
from model.temporal_pooling import pool_mean, pool_parts
from model.token_reduction.base import TokenReducer, Unreduced
from model.token_reduction.segments import default_segments
from model.vision_transformer.video_tower import VideoTower

UNREDUCED = Unreduced()


@dataclass(frozen=True)
class VideoEmbedding:
    """Vectors of B clips, on the host."""

    clips: NDArray[np.float32]
    """(B, D), unit vectors."""
    segments: NDArray[np.float32]
    """(B, S, D), unit vectors of S contiguous equal parts of the clip in time order."""


class VideoEncoder:
    """A CLIP visual tower over the frames of a clip, with or without token reduction, then mean pooling.

    ``tower`` is moved to ``device`` and ``dtype`` in place. A reducer that joins frames leaves fewer vectors
    than frames, and these are the segments; else segments are contiguous groups of frames. Where TempMe has
    joined all frames, a segment's vector has seen the whole clip. Raises ValueError if tower, reducer and
    ``frames_per_clip`` do not fit.
    """

    def __init__(
        self,
        tower: nn.Module,
        preprocessing: Preprocessing,
        reducer: TokenReducer = UNREDUCED,
        *,
        frames_per_clip: int = 12,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if frames_per_clip < 1:
            raise ValueError(f"frames_per_clip is {frames_per_clip}: the least is 1")
        self.preprocessing = preprocessing
        self.frames_per_clip = frames_per_clip
        self._device = torch.device(device)
        self._dtype = dtype
        self.tower = VideoTower(tower.to(self._device, dtype).eval(), reducer, frames_per_clip)
        self.segments_per_clip = _count_segments(self.tower)
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
        vectors = self.tower.run(pictures).vectors.float().unflatten(0, (videos, -1))  # (B, V, D)
        return VideoEmbedding(
            clips=_to_host(pool_mean(vectors)),
            segments=_to_host(pool_parts(vectors, self.segments_per_clip)),
        )

    def encode_images(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit vectors (B, D) of RGB pictures (B, H, W, 3), to be compared with those of clips.

        A picture is a film that stands still, so that its tokens go the way of the clips'. (With CenterCLIP
        that gives the very vector of a single frame, unreduced.) Raises ValueError as ``encode``.
        """
        return self.encode(np.repeat(pictures[:, None], self.frames_per_clip, axis=1)).clips

    @torch.inference_mode()
    def score_patches(self, frames: NDArray[np.uint8], query: NDArray[np.float32]) -> PatchScores:
        """Return what each patch of one clip (T, H, W, 3) has to do with a unit ``query`` (D,).

        Raises ValueError as ``encode``, and UnreadablePatchesError for a tower that does not come apart.
        """
        pictures = self.preprocessing.to_tensor(frames[None], self._device, self._dtype)
        if len(pictures) != self.frames_per_clip:
            raise ValueError(
                f"the clip has {len(pictures)} frames: this encoder takes {self.frames_per_clip}"
            )
        target = torch.from_numpy(query).to(self._device)
        return score_patches(self.tower, pictures, self.segments_per_clip, target)

    def _nothing(self) -> VideoEmbedding:
        shape = (0, self.segments_per_clip, self.dimension)
        return VideoEmbedding(np.empty((0, self.dimension), np.float32), np.empty(shape, np.float32))

    @torch.inference_mode()
    def _measure_dimension(self) -> int:
        if self.tower.trunk is not None:
            return self.tower.trunk.dimension
        size = self.preprocessing.image_size  # a tower run whole does not say it: show it black
        black = torch.zeros(1, 3, size, size, device=self._device, dtype=self._dtype)
        return int(self.tower.tower(black).shape[-1])


def _count_segments(tower: VideoTower) -> int:
    vectors = tower.vectors_per_video
    return vectors if vectors < tower.frames else default_segments(tower.frames)


def _to_host(vectors: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = vectors.cpu().numpy()
    if not np.isfinite(array).all():
        raise ValueError(
            "the video encoder gave numbers that are not finite: its weights are damaged, or too large for "
            "its number type (float32 is the safe one)"
        )
    return array
