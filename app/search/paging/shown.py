"""What the pages before have shown, so that the next one is made of the rest.

All clips up to one place in the order of their scores, and some that were shown ahead of it: merged with a
better clip, standing behind a better one they look like, said aloud, or drawn forward for variety. What is
left decides alone what the next page holds, so deleting a video that was shown already moves nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

HIGHEST_ID = np.iinfo(np.int64).max


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
        held = _are_among(ids, self.ahead)
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


def _are_among(ids: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of ids (N,) are ``known`` (M,), which ascend; ``np.isin`` would sort both."""
    if not len(known):
        return np.zeros(len(ids), np.bool_)
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    among: NDArray[np.bool_] = known[places] == ids
    return among


def steps_of(ids: NDArray[np.int64]) -> list[int]:
    """Return by how much each of sorted ids (N,) is higher than the one before: small numbers to carry."""
    steps: list[int] = np.diff(ids, prepend=0).tolist()
    return steps


def ids_of_steps(steps: Sequence[int]) -> NDArray[np.int64]:
    """Return the ids that ``steps_of`` was given; raises ValueError when they are no ids."""
    if min(steps, default=0) < 0 or sum(steps) > HIGHEST_ID:
        raise ValueError("the ids are negative or too high")
    return np.cumsum(np.array(steps, np.int64))
