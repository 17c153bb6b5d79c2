"""Places in the ranking, turned into hits a person can look at."""

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.schemas import Hit, HitVideo
from app.search.index_page import IndexPage
from app.search.moments import best_at
from app.search.ranking import Place
from app.urls import stream_url, thumbnail_url
from indexer.catalog import clips
from indexer.catalog.tables import Clip, Video


def read_hits(
    session: Session, generation_id: int, vector: NDArray[np.float32], page: IndexPage
) -> list[Hit]:
    """Return the hits of a page in their order; a clip deleted in this very moment is left out."""
    rows = clips.get_many(session, [place.embedding_id for place in page.places])
    segments = clips.segments_of(session, [clip.id for clip, _ in rows.values()], generation_id)
    found = [(place, *rows[place.embedding_id]) for place in page.places if place.embedding_id in rows]
    return [
        _hit(rank, place, clip, video, best_at(vector, clip, segments.get(clip.id, [])))
        for rank, (place, clip, video) in enumerate(found, start=page.offset + 1)
    ]


def _hit(rank: int, place: Place, clip: Clip, video: Video, best_at_s: float) -> Hit:
    return Hit(
        rank=rank,
        clip_id=clip.id,
        video_id=video.id,
        start=clip.start_s,
        end=clip.end_s,
        best_at=best_at_s,
        score=place.score,
        confidence=None,
        thumbnail_url=thumbnail_url(clip.id),
        preview_url=None,
        stream_url=stream_url(video.id, clip.start_s, clip.end_s),
        video=HitVideo(
            title=video.title,
            filename=video.filename,
            duration=video.duration_s,
            recorded_at=video.recorded_at,
            metadata=video.extra,
        ),
    )
