"""Words to unit vectors, the latest of them remembered."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

CACHED_QUERIES = 1024
"""A few megabytes of vectors; the next pages of a search and its repetition by others cost no encoder run."""


class TextEncoder(Protocol):
    """The half of the model that reads words."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors (Q, D)."""
        ...

    def readable_part(self, text: str) -> str:
        """Return ``text``, or as much of its beginning as the model reads."""
        ...


@dataclass(frozen=True)
class EncodedWords:
    """What the model makes of the words of a search."""

    vector: NDArray[np.float32]  # (D,) unit
    text: str
    """The words, parted by single blanks."""
    read: str
    """Their beginning, as far as the model reads; all of them, as a rule."""

    @property
    def is_truncated(self) -> bool:
        """Whether there is more than the model reads."""
        return self.read != self.text


class QueryEncoder:
    """A cache in front of a text encoder; safe to use from many threads."""

    def __init__(self, text_encoder: TextEncoder, cached: int = CACHED_QUERIES) -> None:
        self._text_encoder, self._cached = text_encoder, cached
        self._known: OrderedDict[str, EncodedWords] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, words: str) -> EncodedWords:
        """Return the unit vector (D,) of ``words``; runs of white space count as one blank."""
        text = " ".join(words.split())
        with self._lock:
            if text in self._known:
                self._known.move_to_end(text)
                return self._known[text]
        read = self._text_encoder.readable_part(text)
        encoded = EncodedWords(self._text_encoder.encode([read])[0], text, read)
        with self._lock:
            self._known[text] = encoded
            while len(self._known) > self._cached:
                self._known.popitem(last=False)
        return encoded
