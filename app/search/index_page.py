"""One page of the ranking, from the vector index, with the cursor behind it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.dependencies import Services
from app.opaque_cursor import encode_cursor
from app.search.cursor import SearchCursor, search_digest
from app.search.query import SearchQuery
from app.search.ranking import Found, Place, ranked_page
from indexer.catalog import clip_filters


@dataclass(frozen=True)
class IndexPage:
    """Places in the ranking."""

    places: list[Place]
    offset: int
    """Hits on the pages before."""
    next_cursor: str | None
    is_of_changed_library: bool
    """Whether vectors came or went since the first page."""


def search_index(
    services: Services, query: SearchQuery, vector: NDArray[np.float32], cursor: SearchCursor | None
) -> IndexPage:
    """Return the page behind ``cursor`` (the first one for None) of what is nearest to ``vector`` (D,)."""
    with services.library.database.reading() as session:
        allowed_ids = clip_filters.embedding_ids_where(session, services.generation_id, query.filters)
    revision = 0

    def search(limit: int) -> Found:
        nonlocal revision
        results, revision = services.follower.search(vector[None], limit, allowed_ids)
        return [hit for hit in results[0] if query.min_score is None or hit[1] >= query.min_score]

    offset = cursor.offset if cursor else 0
    after = Place(-cursor.score, cursor.embedding_id) if cursor else None
    places = ranked_page(search, query.limit + 1, after, offset)  # one more, to know whether it goes on
    first_revision = cursor.revision if cursor else revision
    next_cursor = None
    if len(places) > query.limit:
        places.pop()
        last = places[-1]
        next_cursor = encode_cursor(
            SearchCursor(
                search=search_digest(query),
                generation=services.generation_id,
                revision=first_revision,
                offset=offset + len(places),
                score=last.score,
                embedding_id=last.embedding_id,
            )
        )
    return IndexPage(places, offset, next_cursor, is_of_changed_library=revision != first_revision)
