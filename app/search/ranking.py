"""The order of hits, and a page of it after a given place."""

from collections.abc import Callable
from dataclasses import dataclass

Found = list[tuple[int, float]]
"""(embedding id, score) from the vector index, best first."""


@dataclass(frozen=True, order=True)
class Place:
    """A hit's place in the ranking: the better score first, then the lower id."""

    falling_score: float
    embedding_id: int

    @property
    def score(self) -> float:
        """Return the cosine, -1 to 1."""
        return -self.falling_score


def ranked_page(
    search: Callable[[int], Found], count: int, after: Place | None = None, offset: int = 0
) -> list[Place]:
    """Return the first ``count`` places behind ``after``, which had about ``offset`` hits up to itself.

    ``search(limit)`` gives the best hits. It is asked again for more when hits were added before ``after``
    since, or when its last hit ties with ones that it cut off: which of those it gave is chance.
    """
    limit = offset + count + 1
    while True:
        found = search(limit)
        places = sorted(Place(-score, embedding_id) for embedding_id, score in found)
        is_all = len(found) < limit
        if not is_all:
            places = [one for one in places if one.falling_score < places[-1].falling_score]
        page = [one for one in places if after is None or one > after][:count]
        if is_all or len(page) == count:
            return page
        limit *= 2
