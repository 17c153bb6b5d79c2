"""Fewer pictures instead of fewer tokens: some frames of a clip are never encoded.

``FewerFrames`` is the control that every reducer must beat: the middle of each of T' equal parts of the clip,
as CLIP4Clip (arXiv 2104.08860) samples frames for testing. ``SkipDuplicates`` is the frame-level form of
run-length tokenization (RLT, NeurIPS 2024): a frame that looks like the one encoded last takes its vector,
and so keeps its weight in the mean over the clip. It gives the same vectors where frames are identical.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from model.token_reduction.base import FrameChoice, LayerTokens, TokenReducer, TowerShape, Unreduced

DEFAULT_THRESHOLD = 0.02
"""One or two of 255 grey levels with CLIP's normalisation: codec noise, but no movement."""

COMPARED_SIDE = 32
"""Pixels a side at which frames are compared: noise averages out there."""


@dataclass(frozen=True)
class FewerFrames(TokenReducer):
    """Encode ``frames`` frames of each clip, evenly spread, and no other."""

    frames: int
    needs_trunk: ClassVar[bool] = False

    @classmethod
    def parse(cls, options: str, shape: TowerShape, frames: int) -> Self:
        """Read ``6``: the frames to encode; nothing means half of those there are."""
        if not options:
            return cls(max(1, frames // 2))
        if not options.isdecimal():
            raise ValueError(f"{options!r} is no number of frames: write it like frames:6")
        return cls(int(options))

    @property
    def name(self) -> str:
        """As in ``frames:6``."""
        return f"frames:{self.frames}"

    def schedule(self, shape: TowerShape, frames: int) -> tuple[LayerTokens, ...]:
        """Return the token counts of the frames encoded; raises ValueError if there are not so many."""
        if not 1 <= self.frames <= frames:
            raise ValueError(f"{self.name} wants {self.frames} of {frames} frames: ask for 1 to {frames}")
        return Unreduced().schedule(shape, self.frames)

    def choose_frames(self, pictures: Tensor, frames: int) -> FrameChoice:
        """Return frames floor((i + 1/2) T / T') of each video, for i from 0 to T' - 1."""
        device = pictures.device
        middles = (2 * torch.arange(self.frames, device=device) + 1) * frames // (2 * self.frames)  # (T',)
        firsts = torch.arange(0, len(pictures), frames, device=device)  # (B,)
        return FrameChoice((firsts.unsqueeze(1) + middles).flatten(), self.frames)


@dataclass(frozen=True)
class SkipDuplicates(TokenReducer):
    """Encode a frame only if it differs by more than ``threshold`` from the last one of its video encoded.

    The difference is the mean over all pixels and colours of the absolute difference, both frames averaged
    down to 32 pixels a side. Its unit is that of the pictures given: normalised pictures have a standard
    deviation of about 1, so 0.02 is a fiftieth of the contrast of usual pictures. 0 skips identical frames.
    """

    threshold: float = DEFAULT_THRESHOLD
    needs_trunk: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < math.inf:
            raise ValueError(f"frames cannot differ by {self.threshold}: ask for a number from 0, like 0.02")

    @classmethod
    def parse(cls, options: str, shape: TowerShape, frames: int) -> Self:
        """Read ``0.02``, the threshold, which is also the default."""
        if not options:
            return cls()
        try:
            return cls(float(options))
        except ValueError:
            raise ValueError(
                f"{options!r} is no difference of pictures: write it like skip-duplicates:0.02, from 0"
            ) from None

    @property
    def name(self) -> str:
        """As in ``skip-duplicates:0.02``."""
        return f"skip-duplicates:{self.threshold!r}"

    def schedule(self, shape: TowerShape, frames: int) -> tuple[LayerTokens, ...]:
        """Return the most that can be: the token counts of clips in which no frame is skipped."""
        return Unreduced().schedule(shape, frames)

    @torch.no_grad()
    def choose_frames(self, pictures: Tensor, frames: int) -> FrameChoice:
        """Return the frames that differ, and for each frame the encoded one whose vector it takes.

        It waits for the device: how many pictures are encoded depends on what they show.
        """
        is_encoded = self._find_changes(pictures.unflatten(0, (-1, frames))).flatten()  # (B*T,)
        # A video's first frame is encoded, so the last one encoded before a frame is of its own video.
        sources = is_encoded.cumsum(0) - 1
        return FrameChoice(is_encoded.nonzero().squeeze(1), frames, sources)

    def _find_changes(self, videos: Tensor) -> Tensor:
        """Return which frames of videos (B, T, 3, H, W) to encode: (B, T) of bool."""
        last = _shrink(videos[:, 0])
        changes = [torch.ones(len(videos), dtype=torch.bool, device=videos.device)]
        for frame in range(1, videos.shape[1]):
            current = _shrink(videos[:, frame])
            is_alike = (current - last).abs().flatten(1).mean(1) <= self.threshold  # (B,); false for NaN
            last = torch.where(is_alike.reshape(-1, 1, 1, 1), last, current)
            changes.append(~is_alike)
        return torch.stack(changes, dim=1)


def _shrink(pictures: Tensor) -> Tensor:
    """Return pictures (B, 3, H, W) averaged down to 32 pixels a side, in single precision."""
    height, width = pictures.shape[-2:]
    return adaptive_avg_pool2d(pictures.float(), (min(COMPARED_SIDE, height), min(COMPARED_SIDE, width)))
