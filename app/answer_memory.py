"""Answers that were given, to be given again word for word while nothing they tell of has changed."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

MAX_BYTES = 32 * 1024 * 1024
"""Some thousand answers of twenty hits."""


class AnswerMemory:
    """The latest answers by what was asked, each of one state of things; safe to use from many threads."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """Begin with none, and keep as many as fit into ``max_bytes``."""
        self._max_bytes, self._kept_bytes = max_bytes, 0
        self._answers: OrderedDict[Hashable, tuple[Hashable, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, asked: Hashable, state: Hashable) -> bytes | None:
        """Return the answer to what is ``asked``; None if there is none of this ``state``."""
        with self._lock:
            kept = self._answers.get(asked)
            if kept is None:
                return None
            if kept[0] != state:
                self._forget(asked)
                return None
            self._answers.move_to_end(asked)
            return kept[1]

    def keep(self, asked: Hashable, state: Hashable, answer: bytes) -> None:
        """Keep an answer that was begun when things were in this ``state``; the oldest ones make room."""
        with self._lock:
            self._forget(asked)
            self._answers[asked] = state, answer
            self._kept_bytes += len(answer)
            while self._kept_bytes > self._max_bytes:
                self._forget(next(iter(self._answers)))

    def _forget(self, asked: Hashable) -> None:
        _, answer = self._answers.pop(asked, (None, b""))
        self._kept_bytes -= len(answer)
