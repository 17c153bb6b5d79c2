"""Rows of the catalog as the HTTP interface shows them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jobs.details import failure_of
from app.schemas import VideoDetails
from app.urls import stream_url, thumbnail_url
from indexer.catalog import clips, cues, jobs
from indexer.catalog.tables import Job, Video
from indexer.folders.intake import is_searchable


def describe_videos(session: Session, videos: Sequence[Video], generation_id: int) -> list[VideoDetails]:
    """Return videos (a page of them) with what belongs to them, in their order.

    ``generation_id`` is the one that searches. Five queries however many videos there are.
    """
    ids = [video.id for video in videos]
    counts = clips.counts(session, ids)
    cue_counts = cues.counts(session, ids)
    first_clips = clips.first_of(session, ids)
    latest_jobs = jobs.latest(session, ids)
    searchable = set(session.scalars(select(Video.id).where(Video.id.in_(ids), is_searchable(generation_id))))
    return [
        _video(
            video,
            video.id in searchable,
            counts.get(video.id, 0),
            cue_counts.get(video.id, 0),
            first_clips.get(video.id),
            latest_jobs.get(video.id),
        )
        for video in videos
    ]


def _video(
    video: Video,
    is_found: bool,
    clip_count: int,
    cue_count: int,
    first_clip_id: str | None,
    job: Job | None,
) -> VideoDetails:
    return VideoDetails(
        id=video.id,
        title=video.title,
        filename=video.filename,
        state=video.state,
        is_searchable=is_found,
        duration=video.duration_s,
        width=video.width,
        height=video.height,
        codec=video.codec,
        size_bytes=video.size_bytes,
        sha256=video.sha256,
        collection=video.collection,
        recorded_at=video.recorded_at,
        added_at=video.added_at,
        metadata=video.extra,
        clip_count=clip_count,
        cue_count=cue_count,
        error=failure_of(video.error_code, video.error_message),
        warning=" ".join(filter(None, [video.warning, video.subtitle_warning])) or None,
        job_id=job.id if job else None,
        stream_url=stream_url(video.id),
        thumbnail_url=thumbnail_url(first_clip_id) if first_clip_id else None,
    )
