"""Captions in fewer places than the text tower has: the same vectors for less work.

The recipes read 32 token ids of a caption, CLIP's text tower has 77 places. Where each place sees only those
before it, and the vector is taken at the caption's end, what follows the end changes nothing: embeddings of
places and the mask are cut to the ids that are there, and no padding needs a mask of its own.
"""

from typing import Any

import torch
from open_clip.model import CLIP
from open_clip.transformer import TextTransformer
from torch import Tensor
from torch.func import functional_call
from torch.nn.functional import normalize

from model.checkpoint import DualEncoder

LEAST_WORDS = 3
"""A start, a word and an end."""

_READ_AT_THE_END = ("argmax", "eos")
"""The poolings that take the vector at the token that ends a caption, wherever it stands."""


def usable_length(model: DualEncoder, words: int) -> int:
    """Return the ``context_length`` to tokenise with: ``words``, or all places of a tower that needs them.

    Towers without a causal mask, or that pool at their last place (SigLIP, CoCa), need them all. Raises
    ValueError for fewer ``words`` than can hold a caption.
    """
    if words < LEAST_WORDS:
        raise ValueError(f"a caption of {words} tokens says nothing: ask for {LEAST_WORDS} or more")
    places = int(model.context_length)
    return min(words, places) if _can_be_cut(model) else places


def encode_texts(model: DualEncoder, ids: Tensor) -> Tensor:
    """Return unit vectors (Q, D) of token ids (Q, n), n as ``usable_length`` says, in float32 at least.

    Gradients flow. Raises ValueError for another n.
    """
    places, length = int(model.context_length), ids.shape[1]
    if length != places and (length > places or not _can_be_cut(model)):
        raise ValueError(f"the texts have {length} tokens, and this model reads {places}")
    vectors = model.encode_text(ids) if length == places else _encode_cut(model, ids)  # (Q, D)
    return normalize(vectors.to(torch.promote_types(vectors.dtype, torch.float32)), dim=-1)


def _encode_cut(model: DualEncoder, ids: Tensor) -> Tensor:
    """Return the vectors of ids (Q, n) from a tower that has n places and no more."""
    tower: Any = model if isinstance(model, CLIP) else model.text
    length = ids.shape[1]
    cut = {
        "positional_embedding": tower.positional_embedding[:length],
        "attn_mask": tower.attn_mask[:length, :length],
    }
    if not isinstance(model, CLIP):
        vectors: Tensor = functional_call(tower, cut, (ids,))
        return vectors
    output: Any = functional_call(model, cut, (None, ids))  # a CLIP holds the parts of its text tower itself
    of_texts: Tensor = output["text_features"] if isinstance(output, dict) else output[1]
    return of_texts


def _can_be_cut(model: DualEncoder) -> bool:
    if isinstance(model, CLIP):
        return model.attn_mask is not None and model.text_pool_type in _READ_AT_THE_END
    tower = model.text
    return (
        isinstance(tower, TextTransformer)
        and tower.attn_mask is not None
        and tower.cls_emb is None
        and tower.pool_type in _READ_AT_THE_END
    )
