"""Words to unit vectors, the latest of them remembered."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.background_work import BackgroundWork
from model.text_runtime.threads import concurrent_queries, limit_threads

CACHED_QUERIES = 1024
"""A few megabytes of vectors; the next pages of a search and its repetition by others cost no encoder run."""


class TextEncoder(Protocol):
    """The half of the model that reads words."""

    def encode_readable(self, text: str) -> tuple[NDArray[np.float32], str]:
        """Return the unit vector (D,) of ``text``, and as much of its beginning as the model reads."""
        ...

    def prepare(self, folder: Path, is_stopped: Callable[[], bool]) -> None:
        """Find a faster way to encode, in seconds, or in less with what is in ``folder``.

        It is given up as soon as ``is_stopped`` says so.
        """
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
    """A cache in front of a text encoder; safe to use from many threads.

    The encoder runs in the thread that asks, as waking another one takes as long as a part of the run; but
    however many ask, no more queries are computed at once than there are processors for. Those who ask for
    the same words wait for one run.
    """

    def __init__(self, text_encoder: TextEncoder, cached: int = CACHED_QUERIES) -> None:
        self._text_encoder, self._cached = text_encoder, cached
        self._known: OrderedDict[str, EncodedWords] = OrderedDict()
        self._awaited: dict[str, Future[EncodedWords]] = {}
        self._lock = threading.Lock()
        self._preparing = BackgroundWork("prepare-words")
        self._turns = threading.Semaphore(concurrent_queries())

    def prepare(self, folder: Path) -> None:
        """Begin to make the encoder faster, aside, for a service that stays.

        What it finds out about the model is kept in ``folder``, for the next start.
        """
        self._preparing.start(lambda is_stopped: self._text_encoder.prepare(folder, is_stopped))

    def close(self) -> None:
        """Give up making the encoder faster; it goes on as it is."""
        self._preparing.close()

    def encode(self, words: str) -> EncodedWords:
        """Return the unit vector (D,) of ``words``; runs of white space count as one blank."""
        text = " ".join(words.split())
        with self._lock:
            if text in self._known:
                self._known.move_to_end(text)
                return self._known[text]
            awaited = self._awaited.get(text)
            if awaited is None:
                mine = self._awaited[text] = Future[EncodedWords]()
        if awaited is not None:
            return awaited.result()
        try:
            encoded = self._encode(text)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._awaited[text]
        mine.set_result(encoded)
        return encoded

    def _encode(self, text: str) -> EncodedWords:
        with self._turns:
            limit_threads()
            vector, read = self._text_encoder.encode_readable(text)
        encoded = EncodedWords(vector, text, read)
        with self._lock:
            self._known[text] = encoded
            while len(self._known) > self._cached:
                self._known.popitem(last=False)
        return encoded
