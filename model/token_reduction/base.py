"""What a token reducer is: hooks at fixed places of a vision transformer, tokens in and fewer tokens out.

A tower calls, for each of its blocks, counted from 0::

    tokens = reducer.before_block(block, tokens)          # between two blocks; frames may be joined here
    tokens, keys = attend(tokens)                         # x + Attention(LayerNorm(x))
    tokens = reducer.after_attention(block, tokens, keys)
    tokens = feed_forward(tokens)                         # x + MLP(LayerNorm(x))

and ``choose_frames`` before the pictures are embedded. What the papers call "after block a", counting from
1, is ``before_block(a)`` here.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from torch import Tensor

MANY_PATCHES = 100
"""A frame of more is reduced by more: both papers do otherwise in ViT-B/16 (196) than in ViT-B/32 (49)."""


class TowerShape(NamedTuple):
    """What a reducer must know of a tower."""

    layers: int
    """Transformer blocks."""
    patches: int
    """Patch tokens a frame (N)."""
    class_tokens: int
    """Leading tokens of each frame that are no patches: 1 in most towers, 0 where attention pools."""


class LayerTokens(NamedTuple):
    """How many tokens of one video pass through a block."""

    sequences: int
    """Independent sequences that attend each within itself: frames, segments, or clips."""
    entering: int
    """Tokens of each sequence before the block's reductions, all frames that were joined into it counted."""
    attended: int
    """Tokens of each sequence in attention."""
    leaving: int
    """Tokens of each sequence in the MLP and after it."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of B videos on their way through a tower."""

    values: Tensor
    """(B*S, n, C): c class tokens, then the patch tokens."""
    sequences: int
    """The S sequences of each video, in time order."""
    class_tokens: int
    """c, the same in every sequence; 0 in a tower without them."""
    sizes: Tensor | None = None
    """(B*S, n) float32: how many of the tower's input tokens each stands for; None where each is one."""
    origins: Tensor | None = None
    """(B*S, n-c) int64: the patch of its frame, in raster order, that each patch token comes from.

    Whoever must tell frames apart counts on over the video: N for each frame before it. A merged token has
    that of the token it was merged into. None where nobody asks for it.
    """

    @property
    def per_sequence(self) -> int:
        """The n tokens of each sequence."""
        return self.values.shape[1]


@dataclass(frozen=True)
class FrameChoice:
    """Which frames of B videos of T are encoded, and which stand in for the others."""

    encoded: Tensor
    """(P,) int64: indices into the B*T pictures, ascending."""
    frames: int
    """Vectors of frames each video has in the end; P = B * frames unless ``sources`` is given."""
    sources: Tensor | None = None
    """(B*frames,) int64: the place among the P encoded pictures whose vector each frame takes."""


class TokenReducer(ABC):
    """Hooks that keep every token, for reducers to override; they hold no state of a run.

    Each video's result is the same alone and in any batch, and every time unless ``is_repeatable`` denies it.
    ``reducer.name`` read by ``parse_reduction`` gives an equal reducer.
    """

    needs_trunk: ClassVar[bool] = True
    """Whether it acts between or inside the blocks, and so needs a tower that can be taken apart."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The canonical name."""

    @property
    def is_repeatable(self) -> bool:
        """Whether the same video has the same result every time: an index can hold no other."""
        return True

    @classmethod
    @abstractmethod
    def parse(cls, options: str, shape: TowerShape, frames: int) -> Self:
        """Return the reducer named by ``options``, the text after the family and its colon.

        No options take the paper's proportions for the tower and the clip. Raises ValueError for others.
        """

    @abstractmethod
    def schedule(self, shape: TowerShape, frames: int) -> tuple[LayerTokens, ...]:
        """Return the token counts of each block for a video of ``frames`` frames.

        Raises ValueError, with the values and the nearest legal ones, if the reducer does not fit.
        """

    def count_class_tokens(self, shape: TowerShape, frames: int) -> int:
        """Return the class tokens that each sequence has in the end."""
        return shape.class_tokens

    def choose_frames(self, pictures: Tensor, frames: int) -> FrameChoice | None:
        """Return which of the pictures (B*T, 3, H, W) to encode, or None for all of them."""
        return None

    def before_block(self, block: int, tokens: Tokens) -> Tokens:
        """Return the tokens that enter the attention of ``block``."""
        return tokens

    def wants_keys(self, block: int) -> bool:
        """Tell whether ``after_attention`` reads the keys of ``block``."""
        return False

    def after_attention(self, block: int, tokens: Tokens, keys: Tensor | None) -> Tokens:
        """Return the tokens that enter the MLP of ``block``.

        ``keys`` (B*S, n, C/heads) are the attention's keys, averaged over the heads, before any rotary
        turn; None unless ``wants_keys``.
        """
        return tokens


@dataclass(frozen=True)
class Unreduced(TokenReducer):
    """Every frame by itself, every token through every block."""

    needs_trunk = False

    @property
    def name(self) -> str:
        """``none``."""
        return "none"

    @classmethod
    def parse(cls, options: str, shape: TowerShape, frames: int) -> Self:
        """Return the reducer that keeps everything; raises ValueError if ``options`` ask for more."""
        if options:
            raise ValueError(f"without reduction there is nothing to ask for: write none, not none:{options}")
        return cls()

    def schedule(self, shape: TowerShape, frames: int) -> tuple[LayerTokens, ...]:
        """Return the same count for each block."""
        tokens = shape.class_tokens + shape.patches
        return (LayerTokens(frames, tokens, tokens, tokens),) * shape.layers
