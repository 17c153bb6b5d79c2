"""Sparse sampling: a segment keeps every so many-th of its tokens, whatever they show.

A baseline of CenterCLIP, arXiv 2205.00823 (ablations): after block a, the M tokens of a segment, in order of
time and raster, are divided into K bins of equal length, and one token of each is kept: the middle one, or
while training one drawn at random. The class token is the mean of the frames' class tokens. It costs next to
nothing, and so tells whether clustering earns what it costs.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from model.token_reduction.base import LayerTokens, TokenReducer, Tokens, TowerShape
from model.token_reduction.segments import Stage, default_stage, join_frames, parse_stage, schedule_stages

_RANDOM = "random"


@dataclass(frozen=True)
class SparseSampling(TokenReducer):
    """Keep one token of each of K bins of each segment.

    With ``is_random``, which is for training alone, each call draws anew from torch's random numbers.
    """

    stage: Stage
    is_random: bool = False

    @classmethod
    def parse(cls, options: str, shape: TowerShape, frames: int) -> Self:
        """Read ``B6-4,49``: block, segments and tokens; ``/random`` draws; no stage means the paper's."""
        stage, *flags = options.split("/")
        if flags not in ([], [_RANDOM]):
            raise ValueError(
                f"{'/'.join(flags)!r} is no option of sparse sampling: write it like sparse:B6-4,49, "
                f"or sparse:B6-4,49/{_RANDOM} to draw while training"
            )
        return cls(parse_stage(stage) if stage else default_stage(shape, frames), bool(flags))

    @property
    def name(self) -> str:
        """As in ``sparse:B6-4,49``."""
        return f"sparse:{self.stage}" + (f"/{_RANDOM}" if self.is_random else "")

    @property
    def is_repeatable(self) -> bool:
        """Not while drawing."""
        return not self.is_random

    def schedule(self, shape: TowerShape, frames: int) -> tuple[LayerTokens, ...]:
        """Return the token counts of each block; raises ValueError if the stage does not fit."""
        return schedule_stages(self.name, (self.stage,), shape, frames)

    def before_block(self, block: int, tokens: Tokens) -> Tokens:
        """Turn the frames (B*T, c+N, C) into segments (B*S, c+K, C) before the stage's block."""
        if block != self.stage.block:
            return tokens
        segments = join_frames(tokens, self.stage.segments)
        count, members, _ = segments.patches.shape
        edges = (
            torch.arange(self.stage.tokens + 1, device=tokens.values.device) * members // self.stage.tokens
        )
        return segments.keep(self._choose(edges[:-1], edges[1:], count))

    def _choose(self, starts: Tensor, ends: Tensor, count: int) -> Tensor:
        """Return a place from each bin, starts to ends (K,), for so many segments: (B*S, K)."""
        if not self.is_random:
            return ((starts + ends) // 2).expand(count, -1)
        drawn = torch.randint(2**31, (count, len(starts)), device=starts.device)
        return starts + drawn % (ends - starts)
