"""TempMe: frames grow together into clips and at last one sequence, and merge tokens as they do.

From arXiv 2409.01156 (section 3). Of L blocks, the first L-4 merge r tokens inside each frame (ImgMe, as in
ToMe). The next three (ClipMe) each glue neighbouring clips into one, all class tokens first, and merge twice:
across the clips before attention, by the tokens themselves, and inside the new clip after it, by its keys.
The last block merges after attention alone. Of n tokens, a merge of the kept fraction R removes n(1-R),
rounded down and half of the patches at most. Class tokens all survive.

A learned vector for each incoming clip says where it was in time. It is added after matching and before
averaging. The published code leaves it out where nothing is merged across clips; here it is always added, for
glued clips are told apart by it either way. It starts at zero, which changes nothing.
"""

import re
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import prod
from operator import floordiv
from typing import Self

import torch
from torch import Tensor, nn

from model.token_reduction.base import MANY_PATCHES, LayerTokens, TokenReducer, Tokens, TowerShape
from model.token_reduction.bipartite_matching import count_merged, match, merge
from model.token_reduction.tome import check_layers, check_merged, merge_in_frames, require_keys

CLIP_BLOCKS = 4
"""The last blocks of a tower: three that glue, and one behind them."""

KEPT_UNIT = 10_000
"""Kept fractions are counted in ten-thousandths: n(1-R) of binary fractions would round down to one less."""

_OPTIONS = re.compile(r"(\d+)-(\d+)-(\d+)/(\d+)/(\d*\.?\d+)/(\d*\.?\d+)", re.ASCII)


class ClipPositions(nn.Module):
    """One learned vector for each clip that is glued to others; zero at first.

    ``frames`` of width C, glued by 2, 2 and 3, have 12, 6 and 3 of them.
    """

    def __init__(self, width: int, gluing: tuple[int, ...], frames: int) -> None:
        super().__init__()
        clips = accumulate(gluing[:-1], floordiv, initial=frames)
        self.vectors = nn.ParameterList(
            torch.zeros(count if factor > 1 else 0, width)
            for count, factor in zip(clips, gluing, strict=True)
        )

    def forward(self, stage: int, tokens: Tokens) -> Tokens:
        """Return the tokens, each with the vector that its clip has at the ``stage`` of gluing added."""
        vectors = self.vectors[stage].to(tokens.values.dtype)  # (S, C)
        by_video = tokens.values.unflatten(0, (-1, tokens.sequences))  # (B, S, n, C)
        return replace(tokens, values=(by_video + vectors.unsqueeze(1)).flatten(0, 1))


@dataclass(frozen=True)
class TempMe(TokenReducer):
    """Merge inside frames, then glue and merge clips, in a tower of ``layers`` blocks.

    Raises ValueError for numbers that make no sense by themselves.
    """

    gluing: tuple[int, int, int]
    """How many clips the three gluing blocks make one; where it is 1, the block does as the last one."""
    merged: int
    """r: tokens merged in each frame by each of the first blocks."""
    cross_kept: float
    """R_c: the fraction that merging across clips keeps; 1 merges nothing."""
    intra_kept: float
    """R_I: the fraction that merging inside a clip keeps; 1 merges nothing."""
    layers: int = 12
    """L."""
    positions: ClipPositions | None = field(default=None, compare=False, repr=False)
    """The learned vectors of the clips' places in time; None adds none."""

    def __post_init__(self) -> None:
        if min(self.gluing) < 1 or self.merged < 0:
            raise ValueError(f"{self.name}: clips are glued by 1 or more, and r is 0 or more")
        for kept in (self.cross_kept, self.intra_kept):
            if not 0 < kept <= 1 or round(kept * KEPT_UNIT) / KEPT_UNIT != kept:
                raise ValueError(
                    f"{self.name} keeps the fraction {kept} of the tokens: ask for more than 0, at most 1, "
                    "and no more than four decimals, as in 0.7"
                )

    @classmethod
    def parse(cls, options: str, shape: TowerShape, frames: int) -> Self:
        """Return the reducer that ``options`` name, as in ``2-2-3/2/0.7/0.9``; by default the paper's."""
        if options == "":
            return cls(default_gluing(frames), *_default_rates(shape.patches), layers=shape.layers)
        match = _OPTIONS.fullmatch(options)
        if match is None:
            raise ValueError(
                f"{options!r} is no way to merge: write it like tempme:2-2-3/2/0.7/0.9 (clips glued by "
                "each of three blocks / tokens merged in a frame / fractions kept across and inside clips), "
                "or just tempme"
            )
        first, second, third, merged = (int(number) for number in match.groups()[:4])
        return cls((first, second, third), merged, float(match[5]), float(match[6]), layers=shape.layers)

    @property
    def name(self) -> str:
        """As in ``tempme:2-2-3/2/0.7/0.9``."""
        glued = "-".join(str(factor) for factor in self.gluing)
        return f"tempme:{glued}/{self.merged}/{self.cross_kept:g}/{self.intra_kept:g}"

    def count_class_tokens(self, shape: TowerShape, frames: int) -> int:
        """Return the class tokens of all the frames: none is merged."""
        return shape.class_tokens * prod(self.gluing)

    def schedule(self, shape: TowerShape, frames: int) -> tuple[LayerTokens, ...]:
        """Return the counts; raises ValueError if frames, depth or patches do not fit."""
        self._check(shape, frames)
        counts = merge_in_frames(self.merged, shape._replace(layers=self._first_clip_block), frames)
        tokens = counts[-1].leaving if counts else shape.class_tokens + shape.patches
        sequences, class_tokens = frames, shape.class_tokens
        for factor in (*self.gluing, 1):
            sequences, class_tokens, entering = sequences // factor, class_tokens * factor, tokens * factor
            cross = self._count_cross(entering, factor)
            attended = entering - count_merged(cross, entering - class_tokens)
            tokens = attended - count_merged(self._count_intra(attended), attended - class_tokens)
            counts.append(LayerTokens(sequences, entering, attended, tokens))
        return tuple(counts)

    def before_block(self, block: int, tokens: Tokens) -> Tokens:
        """Return the clips glued, and merged across, where ``block`` does so."""
        stage = block - self._first_clip_block
        if not 0 <= stage < len(self.gluing) or self.gluing[stage] == 1:
            return tokens
        factor = self.gluing[stage]
        glued = glue(tokens, factor)
        matching = match(glued.values, glued.class_tokens, self._count_cross(glued.per_sequence, factor))
        if self.positions is not None:
            glued = glue(self.positions(stage, tokens), factor)
        return merge(glued, matching)

    def wants_keys(self, block: int) -> bool:
        """Every block that merges after attention does so by its keys."""
        return self.merged > 0 if block < self._first_clip_block else self.intra_kept < 1

    def after_attention(self, block: int, tokens: Tokens, keys: Tensor | None) -> Tokens:
        """Return the tokens merged inside each frame or clip."""
        if not self.wants_keys(block):
            return tokens
        in_frames = block < self._first_clip_block
        wanted = self.merged if in_frames else self._count_intra(tokens.per_sequence)
        return merge(tokens, match(require_keys(keys, block), tokens.class_tokens, wanted))

    @property
    def _first_clip_block(self) -> int:
        return self.layers - CLIP_BLOCKS

    def _count_cross(self, glued: int, factor: int) -> int:
        return _count_removed(glued, self.cross_kept) if factor > 1 else 0

    def _count_intra(self, attended: int) -> int:
        return _count_removed(attended, self.intra_kept)

    def _check(self, shape: TowerShape, frames: int) -> None:
        if shape.layers < CLIP_BLOCKS:
            raise ValueError(
                f"{self.name} needs {CLIP_BLOCKS} blocks for its clips, and the tower has {shape.layers}"
            )
        check_layers(self.name, self.layers, shape)
        if prod(self.gluing) != frames:
            fitting = "-".join(str(factor) for factor in default_gluing(frames))
            raise ValueError(
                f"{self.name} glues {prod(self.gluing)} frames into one sequence, and there are {frames}: "
                f"glue {fitting}, or take {prod(self.gluing)} frames"
            )
        check_merged(self.name, self.merged, shape)


def glue(tokens: Tokens, factor: int) -> Tokens:
    """Return each ``factor`` neighbouring sequences as one: all class tokens in order, then all patches."""
    return Tokens(
        _glue(tokens.values, factor, tokens.class_tokens),
        tokens.sequences // factor,
        tokens.class_tokens * factor,
        None if tokens.sizes is None else _glue(tokens.sizes, factor, tokens.class_tokens),
        None if tokens.origins is None else _glue(tokens.origins, factor, 0),
    )


def _glue(parts: Tensor, factor: int, class_tokens: int) -> Tensor:
    """Return (P*m, n, ...) as (P, m*n, ...)."""
    clips = parts.unflatten(0, (-1, factor)).unbind(1)  # m of (P, n, ...)
    return torch.cat(
        [*(clip[:, :class_tokens] for clip in clips), *(clip[:, class_tokens:] for clip in clips)], dim=1
    )


def default_gluing(frames: int) -> tuple[int, int, int]:
    """Return three factors of ``frames``, ascending and as close together as can be: 2, 2, 3 of 12."""
    triples = [
        (first, second, frames // first // second)
        for first in _divisors(frames)
        for second in _divisors(frames // first)
        if first <= second <= frames // first // second
    ]
    return min(triples, key=sum)


def _divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]


def _default_rates(patches: int) -> tuple[int, float, float]:
    """Return r, R_c and R_I of the paper; those of B/16 follow from its token counts (MODEL-SPEC 2.4)."""
    if patches > MANY_PATCHES:
        return 10, 0.6, 0.8
    return count_merged(2, patches), 0.7, 0.9


def _count_removed(tokens: int, kept: float) -> int:
    """Return ⌊tokens * (1 - kept)⌋, exactly."""
    return tokens * (KEPT_UNIT - round(kept * KEPT_UNIT)) // KEPT_UNIT
