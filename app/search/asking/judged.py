"""The clips that a search learns from: those it names, and on request those judged for the same words."""

from dataclasses import dataclass

from app.dependencies import Services
from app.search.asking.query import MAX_JUDGED_CLIPS, SearchQuery
from indexer.catalog import judgements, stored_vectors
from indexer.catalog.judgements import query_key


@dataclass(frozen=True)
class Judged:
    """Ids of clips that are right and wrong, and what an answer must say of them."""

    relevant: tuple[str, ...]
    irrelevant: tuple[str, ...]
    notices: tuple[str, ...] = ()


def read_judged(services: Services, query: SearchQuery) -> Judged:
    """Return the clips that ``query`` is to be moved by, at most MAX_JUDGED_CLIPS of each kind.

    What the query says of a clip counts, whatever was judged before. The latest judgements come first.
    """
    if not query.use_judgements:
        return Judged(query.relevant, query.irrelevant)
    stored = _stored(services, query)
    right = [clip_id for clip_id, is_relevant in stored.items() if is_relevant]
    wrong = [clip_id for clip_id, is_relevant in stored.items() if not is_relevant]
    return Judged(
        relevant=(*query.relevant, *right)[:MAX_JUDGED_CLIPS],
        irrelevant=(*query.irrelevant, *wrong)[:MAX_JUDGED_CLIPS],
        notices=(_tell(len(right), len(wrong)),),
    )


def _stored(services: Services, query: SearchQuery) -> dict[str, bool]:
    """Return whether each clip judged for the query's words is right, of those that the model has read."""
    with services.library.database.reading() as session:
        found = judgements.judged_clips(session, query_key(query.text))
        judged = {one.clip_id: one.is_relevant for one in reversed(found) if one.clip_id is not None}
        vectors = stored_vectors.of_clips(session, services.generation_id, list(judged))
    said = {*query.relevant, *query.irrelevant}
    return {
        clip_id: is_relevant
        for clip_id, is_relevant in judged.items()
        if clip_id not in said and vectors.get(clip_id) is not None
    }


def _tell(right: int, wrong: int) -> str:
    if not right and not wrong:
        return "Nothing that can be used is judged for these words: use_judgements changed nothing."
    return f"Moved by what was judged for these words: {right:,} right, {wrong:,} wrong."
