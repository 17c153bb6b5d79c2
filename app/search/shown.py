"""What the pages before have shown, so that the next one is made of the rest.

All clips up to one place in the order of their scores, and some that were shown ahead of it: merged with a
better clip, standing behind a better one they look like, said aloud, or drawn forward for variety. What is
left decides alone what the next page holds, so deleting a video that was shown already moves nothing.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

BITS = 7
"""Of a number in each byte; the eighth says that it goes on."""


@dataclass(frozen=True, order=True)
class Place:
    """A clip's place in the order of scores: the better score first, then the lower id."""

    falling_score: float
    embedding_id: int

    @property
    def score(self) -> float:
        """Return the cosine, -1 to 1."""
        return -self.falling_score


def _none() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Shown:
    """Clips that pages before have shown."""

    until: Place | None = None
    """All up to this one, itself too."""
    ahead: NDArray[np.int64] = field(default_factory=_none)
    """Sorted ids of those behind it."""

    def holds(self, ids: NDArray[np.int64], scores: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which of the clips (N,) of these scores (N,) were shown."""
        held: NDArray[np.bool_] = np.isin(ids, self.ahead)
        if self.until is not None:
            held |= scores > self.until.score
            held |= (scores == np.float32(self.until.score)) & (ids <= self.until.embedding_id)
        return held

    def with_more(self, ids: Iterable[int]) -> "Shown":
        """Return these and clips ``ids``, wherever they stand."""
        return replace(self, ahead=np.union1d(self.ahead, np.fromiter(ids, np.int64)))

    def moved_on(self, ids: NDArray[np.int64], scores: NDArray[np.float32]) -> "Shown":
        """Return the same in fewer numbers; ``ids`` (N,) are the nearest clips there are, by falling score.

        The place moves on over all clips that were shown; they need not be held one by one any more.
        """
        held = self.holds(ids, scores)
        count = len(held) if held.all() else int(np.argmin(held))
        if count == 0:
            return self
        until = Place(-float(scores[count - 1]), int(ids[count - 1]))
        if self.until is not None:
            until = max(until, self.until)
        return Shown(until, np.setdiff1d(self.ahead, ids[:count]))


def pack_ids(ids: NDArray[np.int64]) -> str:
    """Return sorted ids as a word for a URL: their differences, a byte or two each."""
    content = bytearray()
    for difference in np.diff(ids, prepend=0).tolist():
        while difference >> BITS:
            content.append(difference & 0x7F | 0x80)
            difference >>= BITS
        content.append(difference)
    return urlsafe_b64encode(bytes(content)).decode().rstrip("=")


def unpack_ids(word: str) -> NDArray[np.int64]:
    """Return the sorted ids that ``pack_ids`` wrote; raises ValueError for another word."""
    ids: list[int] = []
    last = number = shift = 0
    for byte in urlsafe_b64decode(word + "=" * (-len(word) % 4)):
        number |= (byte & 0x7F) << shift
        shift += BITS
        if byte & 0x80:
            continue
        last += number
        ids.append(last)
        number = shift = 0
    if shift or last >= 1 << 63:
        raise ValueError("the ids are cut short or too large")
    return np.array(ids, np.int64)
