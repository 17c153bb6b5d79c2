"""What all vision transformers have in common once they are taken apart: embed, attend, feed forward, pool.

A trunk computes with a tower's own modules and weights, so without reduction its vectors are the tower's.
"""

from typing import NamedTuple, Protocol

from torch import Tensor

from model.token_reduction.base import Tokens, TowerShape


def irreducible(tower: str, reason: str) -> ValueError:
    """Return the error for a ``tower`` that does not come apart, with the ways out."""
    return ValueError(
        f"tokens cannot be reduced in the {tower}: {reason}; choose one of the presets tiny, fast, "
        "standard, best, multilingual, paper-b32 and paper-b16, or a reduction that leaves tokens alone: "
        "none, frames or skip-duplicates"
    )


class TrunkCost(NamedTuple):
    """Multiply-accumulates (one counts as 1) of a trunk's parts; norms, biases and softmax are left out."""

    embed_picture: int
    """Patch embedding of one picture."""
    project_token: int
    """Query, key, value and output projections of one token in one block: 4C²."""
    attend_pair: int
    """One token looking at one token in one block: 2C."""
    feed_forward_token: int
    """The MLP of one token in one block: 8C² where it widens four times."""
    pool_token: int
    """What each token adds to the pooling of its sequence; 0 unless the tower pools by attention."""
    pool_vector: int
    """What each pooled vector costs: the projection to D, and the pool's own query, projection and MLP."""


class Trunk(Protocol):
    """A vision transformer in parts. It holds a tower's modules and no weights of its own."""

    @property
    def shape(self) -> TowerShape:
        """What reducers must know."""
        ...

    @property
    def width(self) -> int:
        """C of the tokens."""
        ...

    @property
    def dimension(self) -> int:
        """D of the vectors."""
        ...

    @property
    def cost(self) -> TrunkCost:
        """What the parts cost."""
        ...

    @property
    def is_checkpointed(self) -> bool:
        """Whether the tower was told, by ``set_grad_checkpointing``, to compute its blocks anew backwards."""
        ...

    def embed(self, pictures: Tensor, frames: int) -> Tokens:
        """Return the tokens of pictures (B*T, 3, H, W) as they enter block 0: a sequence a frame."""
        ...

    def attend(self, block: int, tokens: Tokens, *, with_keys: bool) -> tuple[Tokens, Tensor | None]:
        """Return x + Attention(LayerNorm(x)) and, if asked, the keys (B*S, n, C/heads), mean over the heads.

        Attention is fused. Each key's logit gets the logarithm of its token's size (proportional attention).
        """
        ...

    def feed_forward(self, block: int, tokens: Tokens) -> Tokens:
        """Return x + MLP(LayerNorm(x))."""
        ...

    def pool(self, tokens: Tokens) -> Tensor:
        """Return the projected vectors (B*V, D), not normalised: V = S * ``count_vectors(class_tokens)``."""
        ...

    def divide(self, tokens: Tokens) -> Tensor | None:
        """Return what each patch adds to its sequence's vector, (B*S, n-c, D); None if it is not pooled so.

        The mean of these parts, each counted by its size, is what ``pool`` gives.
        """
        ...

    def count_vectors(self, class_tokens: int) -> int:
        """Return the vectors of a sequence with ``class_tokens``: one each, or 1 if all tokens are pooled."""
        ...
