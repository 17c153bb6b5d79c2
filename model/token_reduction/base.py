"""What a token reducer is: tokens in, fewer tokens out, between two blocks of a vision transformer."""

from typing import NamedTuple, Protocol

from torch import Tensor


class TokenCount(NamedTuple):
    """How many tokens of one video pass through a block."""

    sequences: int
    """Independent sequences: frames before a reduction, segments after it."""
    tokens: int
    """Tokens in each sequence, the class token included."""


class TokenReducer(Protocol):
    """A pure function of tokens with a place in the tower; it holds no weights and no state."""

    @property
    def name(self) -> str:
        """The canonical name, which ``parse_reduction`` reads back."""
        ...

    def schedule(self, *, layers: int, frames: int, patches: int) -> tuple[TokenCount, ...]:
        """Return the token count that enters each of the ``layers`` blocks.

        Raises ValueError if the reducer does not fit a tower of ``layers`` blocks, ``patches`` patch tokens
        a frame and ``frames`` frames a video.
        """
        ...

    def reduces_after(self, block: int) -> bool:
        """Tell whether to reduce the output of block number ``block`` (from 1; 0 is the tower's input)."""
        ...

    def reduce(self, tokens: Tensor, frames: int) -> tuple[Tensor, int]:
        """Turn tokens (B*T, 1+N, C), class token first, into (B*S, 1+K, C) and the S of each video.

        Raises ValueError if the shape does not fit.
        """
        ...
