"""Segments: consecutive frames of a video that become one sequence, as in CenterCLIP and its controls.

From arXiv 2205.00823 (section 3). T frames become S segments of T/S consecutive frames; a segment's class
token is the mean of its frames' class tokens, and its candidates are their patch tokens in order of time and
raster. A later stage joins what an earlier one left. ``B6-4,49`` is the papers' notation for a stage.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from model.token_reduction.base import MANY_PATCHES, LayerTokens, Tokens, TowerShape
from model.token_reduction.selection import select_tokens

FRAMES_PER_SEGMENT = 3
"""The paper's choice for its 12 frames (4 segments), and one of its choices for 60 (20)."""

_STAGE = re.compile(r"B(\d+)-(\d+),(\d+)", re.IGNORECASE)


class Stage(NamedTuple):
    """A reduction between two blocks: the paper's B_block – segments, tokens."""

    block: int
    """The block before which it takes place, counted from 0; the paper's "after block"."""
    segments: int
    """S: sequences of each video afterwards."""
    tokens: int
    """K: patch tokens of each sequence afterwards."""

    def __str__(self) -> str:
        return f"B{self.block}-{self.segments},{self.tokens}"


def default_segments(frames: int) -> int:
    """Return into how many equal parts a clip of ``frames`` is divided: of 3 frames each, or more."""
    wanted = max(1, frames // FRAMES_PER_SEGMENT)
    return max(count for count in range(1, wanted + 1) if frames % count == 0)


def default_tokens(patches: int) -> int:
    """Return how many tokens a segment keeps, of so many a frame has: the paper's 49 of 49 and 160 of 196."""
    return round(patches * 160 / 196) if patches > MANY_PATCHES else patches


def default_stage(shape: TowerShape, frames: int) -> Stage:
    """Return the paper's proportions: in the middle of the tower, once."""
    return Stage(shape.layers // 2, default_segments(frames), default_tokens(shape.patches))


def parse_stage(text: str) -> Stage:
    """Return the stage written as in ``B6-4,49``; raises ValueError for anything else."""
    match = _STAGE.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is no stage of a reduction: write it like B6-4,49 (block-segments,tokens)"
        )
    return Stage(*(int(number) for number in match.groups()))


def schedule_stages(
    name: str, stages: tuple[Stage, ...], shape: TowerShape, frames: int
) -> tuple[LayerTokens, ...]:
    """Return the token counts of each block when the reducer ``name`` reduces at ``stages`` only.

    Raises ValueError if a stage does not fit the tower, the frames, or what the stage before it leaves.
    """
    check_blocks(name, stages, shape.layers)
    stage_before = {stage.block: stage for stage in stages}
    sequences, patches, parts = frames, shape.patches, "frames"
    counts = []
    for block in range(shape.layers):
        entering = shape.class_tokens + patches
        if stage := stage_before.get(block):
            check_fit(name, stage, sequences, patches, parts)
            entering *= sequences // stage.segments
            sequences, patches, parts = stage.segments, stage.tokens, "segments"
        tokens = shape.class_tokens + patches
        counts.append(LayerTokens(sequences, entering, tokens, tokens))
    return tuple(counts)


def check_blocks(name: str, stages: tuple[Stage, ...], layers: int) -> None:
    """Raise ValueError if a stage has no block behind it in a tower of ``layers`` blocks."""
    for stage in stages:
        if not 0 <= stage.block < layers:
            raise ValueError(
                f"{name} reduces after block {stage.block}, but the tower has {layers} blocks "
                f"and one must follow: ask for a block from 0 to {layers - 1}"
            )


def check_fit(name: str, stage: Stage, sequences: int, patches: int, parts: str = "frames") -> None:
    """Raise ValueError if a video's ``sequences``, of so many patch tokens each, cannot become the stage's.

    ``parts`` is what the sequences are.
    """
    if not 1 <= stage.segments <= sequences:
        raise ValueError(
            f"{name} wants {stage.segments} segments of {sequences} {parts}: ask for 1 to {sequences}"
        )
    if sequences % stage.segments:
        legal = [count for count in range(1, sequences + 1) if sequences % count == 0]
        below = max(count for count in legal if count < stage.segments)
        above = min(count for count in legal if count > stage.segments)
        raise ValueError(
            f"{name} cannot split {sequences} {parts} into {stage.segments} equal segments: "
            f"the nearest that can be are {below} and {above}"
        )
    joined = sequences // stage.segments
    if not 1 <= stage.tokens <= joined * patches:
        raise ValueError(
            f"{name} wants {stage.tokens} tokens of each segment, which has only {joined * patches} "
            f"({joined} {parts} of {patches}): ask for 1 to {joined * patches}"
        )


@dataclass(frozen=True)
class Segments:
    """The tokens of B videos, joined into S segments each. M = frames of a segment * patches of a frame."""

    class_tokens: Tensor
    """(B*S, c, C): the mean over the frames."""
    patches: Tensor
    """(B*S, M, C): in order of time, then raster."""
    origins: Tensor | None
    """(B*S, M): the patches' ``Tokens.origins``."""
    count: int
    """S."""

    def keep(self, places: Tensor) -> Tokens:
        """Return the tokens with the patches at ``places`` (B*S, K), ascending, and no other."""
        patches = select_tokens(self.patches, places)  # (B*S, K, C)
        return self.with_patches(patches, None if self.origins is None else self.origins.gather(1, places))

    def with_patches(self, patches: Tensor, origins: Tensor | None) -> Tokens:
        """Return the class tokens followed by ``patches`` (B*S, K, C), with their ``origins`` (B*S, K)."""
        class_tokens = self.class_tokens.shape[1]
        values = torch.cat([self.class_tokens, patches], dim=1)  # (B*S, c+K, C)
        return Tokens(values, self.count, class_tokens, origins=origins)


def join_frames(tokens: Tokens, segments: int) -> Segments:
    """Join the sequences of each video into ``segments`` of equal length.

    Raises ValueError if they cannot be divided so.
    """
    if segments < 1 or tokens.sequences % segments:
        raise ValueError(f"{tokens.sequences} sequences cannot be divided into {segments} equal segments")
    joined = tokens.sequences // segments
    grouped = tokens.values.unflatten(0, (-1, joined))  # (B*S, T/S, c+N, C)
    class_tokens = grouped[:, :, : tokens.class_tokens].mean(1)  # (B*S, c, C)
    patches = grouped[:, :, tokens.class_tokens :].flatten(1, 2)  # (B*S, M, C)
    origins = None if tokens.origins is None else tokens.origins.unflatten(0, (-1, joined)).flatten(1, 2)
    return Segments(class_tokens, patches, origins, segments)
