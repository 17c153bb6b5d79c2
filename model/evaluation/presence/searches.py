"""Searches of which it is known what they should find: captions, and nouns that captions mention."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.calibration.phrases import NOUNS
from model.datasets.base import CaptionedItem
from model.evaluation.retrieval.encoding import encode_captions
from model.text_encoder import TextEncoder

CAPTIONS, NOUN = "captions", "nouns"

MOST_COMMON = 0.15
"""A noun that more of the items show than this is no search: nearly every library holds it."""


@dataclass(frozen=True)
class Searches:
    """Q searches in one style, and which of V items each of them should find."""

    style: str
    vectors: NDArray[np.float32]
    """(Q, D), unit."""
    is_right: NDArray[np.bool_]
    """(Q, V): for captions their own item alone, though others may fit; for nouns all that mention it."""


def caption_searches(items: Sequence[CaptionedItem], encoder: TextEncoder) -> Searches:
    """Return a search for each caption of ``items``."""
    captions = encode_captions(items, encoder)
    return Searches(CAPTIONS, captions.vectors, captions.owners[:, None] == np.arange(len(items)))


def noun_searches(items: Sequence[CaptionedItem], encoder: TextEncoder) -> Searches:
    """Return a search "a dog" for each noun of the bank that any caption of some items mentions."""
    told = [set(re.findall(r"[a-z]+", " ".join(item.captions).lower())) for item in items]
    rows = {noun: [bool({noun, f"{noun}s", f"{noun}es"} & words) for words in told] for noun in NOUNS}
    kept = [noun for noun, row in rows.items() if 0 < sum(row) <= MOST_COMMON * len(items)]
    texts = [f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}" for noun in kept]
    is_right = np.array([rows[noun] for noun in kept], dtype=bool).reshape(-1, len(items))
    return Searches(NOUN, encoder.encode(texts), is_right)
