"""What there is to know of each generation: how far it is built, how fast, and what it lacks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer.catalog import generation_states, generations
from indexer.catalog.generation_states import has_read
from indexer.catalog.job_states import OPEN_STATES
from indexer.catalog.states import GenerationState, JobState, VideoState
from indexer.catalog.tables import Embedding, Generation, Job, Video
from indexer.generation_models import reduction_of

RECENT_JOBS = 200
"""The last jobs that a speed is taken from: enough for a mean, few enough to be recent."""


@dataclass(frozen=True)
class GenerationStatus:
    """One generation."""

    generation: int
    preset: str
    reduction: str
    dimension: int
    state: GenerationState
    is_paused: bool
    videos: int
    """That it has read."""
    videos_lacking: int
    """That are found with the generation that serves, and would not be with this one."""
    videos_waiting: int
    """With a job for it that waits or runs."""
    videos_unread: int
    """That it failed to read."""
    vectors: int
    """Of clips and of their segments."""
    speed: float | None
    """At how many times real time a worker read its last videos; None when nothing is known of that."""
    created_at: datetime
    promoted_at: datetime | None


def list_generations(session: Session) -> list[GenerationStatus]:
    """Return what there is to know of every generation, the first one first."""
    serving = generations.serving(session)
    return [_status(session, one, serving) for one in generations.list_all(session)]


def _status(session: Session, generation: Generation, serving: Generation | None) -> GenerationStatus:
    lacks = generation_states.lacks(generation.id, serving.id) if serving else Video.id.is_(None)
    is_other = serving is not None and serving.id != generation.id
    return GenerationStatus(
        generation=generation.id,
        preset=generation.preset,
        reduction=reduction_of(generation),
        dimension=generation.dimension,
        state=generation.state,
        is_paused=generation.is_paused,
        videos=generation_states.count_videos(session, has_read(generation.id)),
        videos_lacking=generation_states.count_videos(session, lacks) if is_other else 0,
        videos_waiting=_count_jobs(session, generation.id, OPEN_STATES),
        videos_unread=_count_jobs(session, generation.id, (JobState.FAILED,)),
        vectors=_count_vectors(session, generation.id),
        speed=speed_of(session, generation.id),
        created_at=generation.created_at,
        promoted_at=generation.promoted_at,
    )


def speed_of(session: Session, generation_id: int) -> float | None:
    """Return at how many times real time one worker read the last videos that were read for a generation."""
    rows = session.execute(
        select(Video.duration_s, Job.claimed_at, Job.finished_at)
        .join(Video, Video.id == Job.video_id)
        .where(
            Job.generation_id == generation_id,
            Job.state == JobState.DONE,
            Job.claimed_at.is_not(None),
            Video.duration_s.is_not(None),
            Video.state == VideoState.READY,
        )
        .order_by(Job.finished_at.desc())
        .limit(RECENT_JOBS)
    ).all()
    video_s = sum(duration_s for duration_s, _, _ in rows if duration_s)
    worked_s = sum((end - begin).total_seconds() for _, begin, end in rows if begin and end)
    return video_s / worked_s if worked_s > 0 else None


def _count_jobs(session: Session, generation_id: int, states: tuple[JobState, ...]) -> int:
    """Return how many videos have a job of these states for a generation that has not read them."""
    waiting = (
        select(func.count(Job.video_id.distinct()))
        .join(Video, Video.id == Job.video_id)
        .where(Job.generation_id == generation_id, Job.state.in_(states), ~has_read(generation_id))
    )
    return session.scalar(waiting) or 0


def _count_vectors(session: Session, generation_id: int) -> int:
    counted = select(func.count()).select_from(Embedding).where(Embedding.generation_id == generation_id)
    return session.scalar(counted) or 0
