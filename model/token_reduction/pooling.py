"""Frame pooling: the frames of a segment become their mean, patch by patch.

A baseline of CenterCLIP, arXiv 2205.00823 (ablations): after block a, each of S segments of T/S consecutive
frames becomes one sequence of as many tokens as a frame has. A token is the mean over the segment's frames
of the tokens at its place, the class token too. It costs next to nothing, and so tells whether clustering
earns what it costs.
"""

import re
from dataclasses import dataclass
from typing import Self

from model.token_reduction.base import LayerTokens, TokenReducer, Tokens, TowerShape
from model.token_reduction.segments import Stage, default_stage, join_frames, schedule_stages

_OPTIONS = re.compile(r"B(\d+)-(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class FramePooling(TokenReducer):
    """Average the frames of each of ``segments`` segments before ``block`` (the paper's "after block")."""

    block: int
    segments: int

    @classmethod
    def parse(cls, options: str, shape: TowerShape, frames: int) -> Self:
        """Read ``B6-4``: block and segments; nothing means the paper's proportions."""
        if not options:
            default = default_stage(shape, frames)
            return cls(default.block, default.segments)
        match = _OPTIONS.fullmatch(options)
        if match is None:
            raise ValueError(
                f"{options!r} is no way of pooling frames: write it like pooling:B6-4 (block-segments)"
            )
        return cls(*(int(number) for number in match.groups()))

    @property
    def name(self) -> str:
        """As in ``pooling:B6-4``."""
        return f"pooling:B{self.block}-{self.segments}"

    def schedule(self, shape: TowerShape, frames: int) -> tuple[LayerTokens, ...]:
        """Return the token counts of each block; raises ValueError if the stage does not fit."""
        return schedule_stages(self.name, (Stage(self.block, self.segments, shape.patches),), shape, frames)

    def before_block(self, block: int, tokens: Tokens) -> Tokens:
        """Turn the frames (B*T, c+N, C) into segments (B*S, c+N, C) before the one block."""
        if block != self.block:
            return tokens
        segments = join_frames(tokens, self.segments)
        patches = tokens.per_sequence - tokens.class_tokens
        pooled = segments.patches.unflatten(1, (-1, patches)).mean(1)  # (B*S, N, C)
        origins = None if segments.origins is None else segments.origins[:, :patches]
        return segments.with_patches(pooled, origins)
