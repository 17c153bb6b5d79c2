"""Captions in fewer places than the text tower has, with the same vectors for less work."""

from torch import Tensor

from model.checkpoint import DualEncoder


def usable_length(model: DualEncoder, words: int) -> int:
    """Return the ``context_length`` to tokenise with: ``words``, or the tower's own where it needs it all."""
    raise NotImplementedError


def encode_texts(model: DualEncoder, ids: Tensor) -> Tensor:
    """Return unit vectors (Q, D) of token ids (Q, n), n at most the tower's context."""
    raise NotImplementedError
