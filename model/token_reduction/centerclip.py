"""CenterCLIP: the frames of a segment are merged into one sequence of the K tokens that stand for the others.

From arXiv 2205.00823 (section 3). After block a, the T frames of a video become S segments of T/S
consecutive frames. A segment keeps K of its patch tokens, the medoids of k-medoids++, as they are and in
order of time and raster; its class token is the mean of its frames' class tokens. The blocks after a see
S sequences of 1+K tokens.

No gradient flows through the choice; it flows through the tokens kept and the averaged class token.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.token_reduction.base import TokenCount
from model.token_reduction.kmedoids import ITERATIONS, kmedoids


@dataclass(frozen=True)
class CenterClip:
    """Reduce once, after ``block``, to ``segments`` sequences of ``tokens`` medoids each (B_a – S, K).

    Raises ValueError for a negative block or a count below one.
    """

    block: int
    segments: int
    tokens: int
    iterations: int = ITERATIONS

    def __post_init__(self) -> None:
        if self.block < 0:
            raise ValueError(f"there is no block {self.block}: blocks count from 1, and 0 is the input")
        counts = {"segments": self.segments, "tokens": self.tokens, "iterations": self.iterations}
        for what, count in counts.items():
            if count < 1:
                raise ValueError(f"{count} {what} asked of CenterCLIP: the least is 1")

    @property
    def name(self) -> str:
        """The paper's notation after the method, as in ``centerclip:B6-4,49``."""
        return f"centerclip:B{self.block}-{self.segments},{self.tokens}"

    def schedule(self, *, layers: int, frames: int, patches: int) -> tuple[TokenCount, ...]:
        """Return the token count that enters each of ``layers`` blocks; raises ValueError if it cannot be."""
        if self.block >= layers:
            raise ValueError(
                f"{self.name} reduces after block {self.block}, but the tower has {layers} blocks "
                f"and one must follow: ask for a block from 0 to {layers - 1}"
            )
        self._check_counts(frames, patches)
        before = TokenCount(frames, 1 + patches)
        after = TokenCount(self.segments, 1 + self.tokens)
        return (before,) * self.block + (after,) * (layers - self.block)

    def reduces_after(self, block: int) -> bool:
        """Tell whether ``block`` is the one block with a reduction behind it."""
        return block == self.block

    def reduce(self, tokens: Tensor, frames: int) -> tuple[Tensor, int]:
        """Turn tokens (B*T, 1+N, C), class token first, into (B*S, 1+K, C) and the S of each video.

        Raises ValueError if the frames do not divide into S segments or a segment has fewer than K tokens.
        """
        sequences, length, channels = tokens.shape
        if frames < 1 or sequences % frames:
            raise ValueError(f"{sequences} sequences are no whole number of videos of {frames} frames")
        self._check_counts(frames, length - 1)
        together = frames // self.segments
        grouped = tokens.reshape(sequences // together, together, length, channels)  # (B*S, T/S, 1+N, C)
        class_token = grouped[:, :, 0].mean(1, keepdim=True)  # (B*S, 1, C)
        patches = grouped[:, :, 1:].flatten(1, 2)  # (B*S, M, C)
        medoids = kmedoids(patches, self.tokens, self.iterations)  # (B*S, K)
        kept = patches.take_along_dim(medoids.unsqueeze(2), dim=1)  # (B*S, K, C)
        return torch.cat([class_token, kept], dim=1), self.segments

    def _check_counts(self, frames: int, patches: int) -> None:
        if self.segments > frames:
            raise ValueError(
                f"{self.name} wants {self.segments} segments of {frames} frames: ask for at most {frames}"
            )
        if frames % self.segments:
            legal = [count for count in range(1, frames + 1) if frames % count == 0]
            below = max(count for count in legal if count < self.segments)
            above = min(count for count in legal if count > self.segments)
            raise ValueError(
                f"{self.name} cannot split {frames} frames into {self.segments} equal segments: "
                f"the nearest that can be are {below} and {above}"
            )
        most = frames // self.segments * patches
        if self.tokens > most:
            raise ValueError(
                f"{self.name} wants {self.tokens} tokens of each segment, which has only {most} "
                f"({frames // self.segments} frames of {patches}): ask for at most {most}"
            )
