"""What the catalog must say before the vectors are looked at: allowed videos, words said, barred clips."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.dependencies import Services
from app.search.asking.filters import allowed_videos
from app.search.asking.query import Mode, SearchQuery
from app.search.asking.target import Target
from app.search.ordering.fusion import FUSED_RANKS
from indexer.catalog import clips, words_said
from indexer.catalog.clip_filters import ClipFilters
from indexer.catalog.words_said import SaidHit


@dataclass(frozen=True)
class Scope:
    """Where to look."""

    video_ids: list[str] | None = None
    """None: in all videos."""
    cues: tuple[SaidHit, ...] = ()
    """Words said, best first."""
    barred_ids: NDArray[np.int64] | None = None
    """Embedding ids that are no answer."""


def read_scope(services: Services, query: SearchQuery, targets: list[Target]) -> Scope:
    """Return the scope of a search; nothing is asked of the catalog where nothing needs to be."""
    own_ids = [clip_id for target in targets for clip_id in target.own_ids]
    said = _said(services, query, targets[0].said)
    if query.filters == ClipFilters() and not own_ids and not said:
        return Scope()
    with services.library.database.reading() as session:
        video_ids = allowed_videos(session, query.filters)
        barred = clips.vector_ids(session, own_ids, services.generation_id) if own_ids else None
        cues = _cues(session, query.mode, said, targets[0].excluded, video_ids) if said else ()
        return Scope(video_ids, cues, barred)


def _said(services: Services, query: SearchQuery, words: str) -> str:
    """Return ``words``, where what is said counts; none where nothing is said in any video."""
    if not words or query.mode is Mode.VISUAL or query.sequence:
        return ""
    return words if services.library.database.memory.recall("cues", words_said.has_any) else ""


def _cues(
    session: Session, mode: Mode, said: str, excluded: tuple[str, ...], video_ids: list[str] | None
) -> tuple[SaidHit, ...]:
    """Return the cues in which ``said`` is said; beside pictures only those with all of the words.

    A description of what is seen has words like "a" and "in", which say nothing where they are merely said.
    """
    needs_all = mode is Mode.HYBRID
    return tuple(words_said.search(session, said, excluded, FUSED_RANKS, video_ids, needs_all=needs_all))
