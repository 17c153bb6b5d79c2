"""Two generations beside each other: what the same searches find, what was judged, what one of them lacks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.evaluation.judged_evaluation import GenerationQuality, aim_words, evaluate_library
from indexer.catalog import generation_states, generations, recent_queries
from indexer.catalog.judgements import is_same_moment
from indexer.catalog.tables import Video
from indexer.generation_models import open_generation
from indexer.library import Library
from indexer.reindexing.listing import GenerationStatus, list_generations
from indexer.vector_index.follower import IndexFollower
from indexer.vector_index.view import IndexView
from model.text_encoder import TextEncoder

TOP = 10
"""Hits of each search that are compared: what a person looks at."""

MOST_QUERIES = 200

BACKGROUND_CLIPS = 2048
"""Clips that stand for the library in a search with words that are not wanted."""

Moment = tuple[str, float, float]
"""Video, start and end in seconds."""


@dataclass(frozen=True)
class Lacking:
    """Videos that one of two generations has and the other has not."""

    count: int
    titles: list[str]
    """Of some of them."""


@dataclass(frozen=True)
class Overlap:
    """How far two generations find the same."""

    queries: int
    videos: int
    """That both have read: only these are searched."""
    share: float
    """Of the first ``TOP`` hits of one, how many the other has among its own; the mean over all queries."""
    same_first: float
    """Share of the queries whose first hit is the same."""
    most_different: list[tuple[str, float]]
    """Queries that agree least, and their share."""


@dataclass(frozen=True)
class Comparison:
    """Two generations."""

    one: GenerationStatus
    other: GenerationStatus
    lacking_in_one: Lacking
    lacking_in_other: Lacking
    overlap: Overlap | None
    overlap_problem: str | None
    judged: list[GenerationQuality]
    judged_problem: str | None


def compare_generations(library: Library, one: int, other: int) -> Comparison:
    """Return what tells two generations apart; raises UnknownGeneration, and ModelUnavailable."""
    with library.database.reading() as session:
        for number in (one, other):
            generation_states.find(session, number)
        statuses = {status.generation: status for status in list_generations(session)}
        lacking = _lacking(session, one, other), _lacking(session, other, one)
        queries = recent_queries.latest(session, MOST_QUERIES)
        both = list(
            session.scalars(
                select(Video.id).where(generation_states.has_read(one), generation_states.has_read(other))
            )
        )
    judged, judged_problem = _judge(library, one, other)
    overlap = _overlap(library, (one, other), queries, both) if queries and both else None
    reason = "no words were searched for yet" if not queries else "no video was read by both"
    return Comparison(
        one=statuses[one],
        other=statuses[other],
        lacking_in_one=lacking[0],
        lacking_in_other=lacking[1],
        overlap=overlap,
        overlap_problem=None if overlap else reason,
        judged=judged,
        judged_problem=judged_problem,
    )


def share_found(moments: Sequence[Moment], others: Sequence[Moment]) -> float:
    """Return the share of ``moments`` that are among ``others``; where cuts differ, by their overlap."""
    if not moments:
        return 0.0 if others else 1.0
    found = sum(any(_is_same(moment, other) for other in others) for moment in moments)
    return found / len(moments)


def _lacking(session: Session, generation_id: int, other_id: int) -> Lacking:
    lacks = generation_states.lacks(generation_id, other_id)
    some = select(Video.title).where(lacks).order_by(Video.added_at).limit(generation_states.NAMED_AT_MOST)
    return Lacking(generation_states.count_videos(session, lacks), list(session.scalars(some)))


def _judge(library: Library, one: int, other: int) -> tuple[list[GenerationQuality], str | None]:
    try:
        return evaluate_library(library.database, library.settings, [one, other]).generations, None
    except ValueError as error:
        return [], str(error)


def _overlap(
    library: Library, numbers: tuple[int, int], queries: Sequence[str], video_ids: Sequence[str]
) -> Overlap:
    first, second = (_find(library, number, queries, video_ids) for number in numbers)
    asked = [
        (text, found, others)
        for text, found, others in zip(queries, first, second, strict=True)
        if found is not None and others is not None
    ]
    shares = [(text, share_found(found, others)) for text, found, others in asked]
    same_first = [_is_same(found[0], others[0]) for _, found, others in asked if found and others]
    return Overlap(
        queries=len(shares),
        videos=len(video_ids),
        share=float(np.mean([share for _, share in shares])) if shares else 0.0,
        same_first=float(np.mean(same_first)) if same_first else 0.0,
        most_different=sorted(shares, key=lambda pair: pair[1])[:5],
    )


def _find(
    library: Library, number: int, queries: Sequence[str], video_ids: Sequence[str]
) -> list[list[Moment] | None]:
    """Return the first hits of each query in a generation; None for words that leave nothing to look for."""
    model = open_generation(library.database, number, library.settings.device)
    with library.database.reading() as session:
        generation = generations.get(session, number)
    follower = IndexFollower(
        database=library.database,
        generation_id=number,
        fingerprint=generation.fingerprint,
        dimension=generation.dimension,
        snapshot_path=library.snapshot_path(number),
    )
    with follower.reading() as view:
        _, background = view.sample(BACKGROUND_CLIPS)
        allowed = view.ids_of_videos(video_ids)
        return [_hits(model.encoders.text, view, text, background, allowed) for text in queries]


def _hits(
    encoder: TextEncoder,
    view: IndexView,
    text: str,
    background: NDArray[np.float32],
    allowed: NDArray[np.int64],
) -> list[Moment] | None:
    target = aim_words(encoder, text, background)
    if target is None:
        return None
    (hits,) = view.search(target[None], TOP, allowed)
    clips = view.clips(np.array([embedding_id for embedding_id, _ in hits], np.int64))
    spans = zip(clips.video.tolist(), clips.start_s.tolist(), clips.end_s.tolist(), strict=True)
    return [(view.video_id(video), start_s, end_s) for video, start_s, end_s in spans]


def _is_same(moment: Moment, other: Moment) -> bool:
    return moment[0] == other[0] and is_same_moment(moment[1:], other[1:])
