"""An answer as JSON: made by searching, or the one that was given to the same search before.

An answer tells of the catalog, of the index and of how sure hits are. While none of them has changed, the
same search has the same answer; only how long it took is told anew.
"""

from time import perf_counter

from app.dependencies import Services
from app.schemas import SearchTiming
from app.search.answering.answer import search_videos
from app.search.asking.query import Picture, SearchQuery
from indexer.vector_index.faiss_index import IndexKind

State = tuple[int, int, IndexKind, bool]
"""Changes of the catalog, generation, index, and whether it is known how sure hits are."""


def search_as_json(services: Services, query: SearchQuery) -> bytes:
    """Return what ``search_videos`` does, as JSON; raises as it does."""
    started = perf_counter()
    state = None if _has_pictures(query) else _state_of(services)
    body = None if state is None else services.answers.find(query, state)
    if body is not None:
        total = round((perf_counter() - started) * 1000, 3)
        return _timed(body, SearchTiming(embed=0, search=0, rows=0, total=total))
    answer = search_videos(services, query)
    body = answer.model_dump_json(exclude={"timing_ms"}).encode()
    if state is not None:
        services.answers.keep(query, state, body)
    return _timed(body, answer.timing_ms)


def _state_of(services: Services) -> State | None:
    """Return what answers depend on beside the query; None where it cannot be told that it changes.

    It is looked at before searching, so that an answer is never older than the state it is kept with.
    """
    changes = services.library.database.memory.change_count()
    if changes is None:
        return None
    return changes, services.generation_id, services.follower.kind, services.calibrator.is_ready


def _has_pictures(query: SearchQuery) -> bool:
    """Return whether there are images in the query, which are too large to be kept as a name."""
    return any(isinstance(term.example, Picture) for term in query.examples)


def _timed(body: bytes, timing: SearchTiming) -> bytes:
    """Return the JSON object ``body`` with the time it took, its last field."""
    return body[:-1] + b',"timing_ms":' + timing.model_dump_json().encode() + b"}"
