"""ToMe: each block merges the r most alike pairs of tokens of each frame.

From arXiv 2210.09461 (section 3): bipartite soft matching by the attention's keys, averaged over the heads,
between attention and MLP; the sizes bias the attention of later blocks. Frames stay apart, so no training is
needed.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from torch import Tensor

from model.token_reduction.base import LayerTokens, TokenReducer, Tokens, TowerShape
from model.token_reduction.bipartite_matching import Matching, count_merged, match, merge

DEFAULT_SHARE = 0.05
"""Of a frame's patches, what a block merges: half of them or more are gone after 12 blocks."""


@dataclass(frozen=True)
class ToMe(TokenReducer):
    """Merge ``merged`` tokens of each frame in each block; half of its patches where they are fewer.

    Raises ValueError if there are none to merge.
    """

    merged: int
    """r."""
    family: ClassVar[str] = "tome"

    def __post_init__(self) -> None:
        if self.merged < 1:
            raise ValueError(f"{self.name} merges no tokens: the least is {self.family}:1, or take 'none'")

    @classmethod
    def parse(cls, options: str, shape: TowerShape, frames: int) -> Self:
        """Return the reducer with r as in ``2``; by default r is a twentieth of the patches."""
        return cls(parse_merged(cls.family, options, shape))

    @property
    def name(self) -> str:
        """As in ``tome:2``."""
        return f"{self.family}:{self.merged}"

    def schedule(self, shape: TowerShape, frames: int) -> tuple[LayerTokens, ...]:
        """Return the counts; raises ValueError if r is more than half of the patches."""
        check_merged(self.name, self.merged, shape)
        return tuple(merge_in_frames(self.merged, shape, frames))

    def wants_keys(self, block: int) -> bool:
        """Every block merges by its keys."""
        return True

    def after_attention(self, block: int, tokens: Tokens, keys: Tensor | None) -> Tokens:
        """Return the tokens with r of each sequence merged."""
        return merge(tokens, self.match(block, require_keys(keys, block), tokens.class_tokens))

    def match(self, block: int, keys: Tensor, class_tokens: int) -> Matching | None:
        """Return what ``block`` merges, by its keys (P, n, C/heads)."""
        return match(keys, class_tokens, self.merged)


def parse_merged(family: str, options: str, shape: TowerShape) -> int:
    """Return r as written in ``options``, or the default; raises ValueError for what is no number."""
    if options == "":
        return max(1, round(DEFAULT_SHARE * shape.patches))
    if not (options.isascii() and options.isdigit()):
        raise ValueError(
            f"{options!r} is no number of tokens to merge in a block: write it like {family}:2, "
            f"or just {family}"
        )
    return int(options)


def check_merged(name: str, merged: int, shape: TowerShape) -> None:
    """Raise ValueError if a frame has too few patches for r."""
    most = count_merged(merged, shape.patches)
    if merged > most:
        raise ValueError(
            f"{name} merges {merged} tokens of a frame in a block, but a frame has {shape.patches} patches, "
            f"and only half of them can go at once: ask for at most {most}"
        )


def check_layers(name: str, layers: int, shape: TowerShape) -> None:
    """Raise ValueError if the tower is not as deep as the reducer was made for."""
    if shape.layers != layers:
        raise ValueError(
            f"this {name} is for a tower of {layers} blocks, and this one has {shape.layers}: "
            f"make it with layers={shape.layers}"
        )


def merge_in_frames(merged: int, shape: TowerShape, frames: int) -> list[LayerTokens]:
    """Return the token counts of a tower whose every block merges r tokens of each frame."""
    counts = []
    tokens = shape.class_tokens + shape.patches
    for _ in range(shape.layers):
        left = tokens - count_merged(merged, tokens - shape.class_tokens)
        counts.append(LayerTokens(frames, tokens, tokens, left))
        tokens = left
    return counts


def require_keys(keys: Tensor | None, block: int) -> Tensor:
    """Return the keys; raises ValueError if the tower gave none."""
    if keys is None:
        raise ValueError(f"tokens are matched by attention keys, and block {block} gave none: see wants_keys")
    return keys
