"""The ways a claimed job ends: each one transaction, and only while the job is still ours.

The fencing token is checked first, so a worker that was too slow writes nothing. Thumbnails are removed after
that check and before the commit: in between no other worker can hold the video.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.catalog import clips, cues, generations, job_claims, jobs, videos
from indexer.catalog.clips import NewClip
from indexer.catalog.generation_states import has_read
from indexer.catalog.states import CueSource
from indexer.catalog.tables import Generation, Job, Video
from indexer.cue_text import NewCue
from indexer.decoding.messages import DecodeSummary
from indexer.decoding.probe import VideoProbe
from indexer.errors import IndexingError
from indexer.job_lease import LeaseLost
from indexer.library import Library

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class IndexedVideo:
    """What an ingest has found out about a video: all that is stored of it."""

    probe: VideoProbe
    summary: DecodeSummary
    clips: list[NewClip]
    said: Mapping[CueSource, Sequence[NewCue]] = field(default_factory=dict)
    """The subtitles of the sources that were looked at."""
    said_warning: str | None = None
    """What was wrong with them."""


def complete(library: Library, generation_id: int, job: Job, indexed: IndexedVideo) -> None:
    """Store the clips, make the video ready and the job done; raises LeaseLost, nothing written.

    A job of the serving generation goes back into the queue when another one was promoted meanwhile: what was
    made is kept, for rolling back, and the video is to be read by the model that serves now.
    """
    with library.database.writing() as session:
        _require_ours(jobs.hold(session, job), job)
        cues.replace_found(session, job.video_id, indexed.said, indexed.said_warning)
        video = session.get_one(Video, job.video_id)
        _describe(video, indexed)
        generation = session.get_one(Generation, generation_id)
        # Late, as it locks the generation's row, for which other workers wait, and whoever promotes another.
        clips.store(session, video=video, generation=generation, clips=indexed.clips)
        if job.generation_id is None and not generations.is_serving(session, generation_id):
            jobs.release(session, job)
        else:
            jobs.finish(session, job)


def end_if_read(library: Library, job: Job) -> bool:
    """End the job of a named generation that has read the video meanwhile; return whether it was one."""
    if job.generation_id is None:
        return False
    with library.database.writing() as session:
        read = select(Video.id).where(Video.id == job.video_id, has_read(job.generation_id))
        return jobs.hold(session, job) and session.scalar(read) is not None and jobs.finish(session, job)


def refuse(library: Library, job: Job, video: Video, error: IndexingError) -> None:
    """Fail job and video with the reason and remove what was made of the video; raises LeaseLost."""
    reason = str(error).replace(Path(video.media_path).name, video.filename)  # uploads are stored by hash
    with library.database.writing() as session:
        _require_ours(jobs.fail(session, job, error.code, reason), job)
        remove_thumbnails(session, library, video)


def lose_attempt(library: Library, job: Job, video: Video, error: IndexingError) -> None:
    """Put a job whose decoder died back into the queue; raises LeaseLost.

    After the last attempt it is failed with the reason.
    """
    if job.attempts >= job_claims.MAX_ATTEMPTS:
        refuse(library, job, video, error)
        return
    with library.database.writing() as session:
        _require_ours(jobs.try_again(session, job), job)
        remove_thumbnails(session, library, video)
    log.warning(
        "a job is tried again", extra={"action": "job_tried_again", "job_id": job.id, "reason": str(error)}
    )


def give_back(library: Library, job: Job, video: Video) -> None:
    """Put the job back into the queue, without counting the attempt; does nothing when it is not ours."""
    with library.database.writing() as session:
        if jobs.release(session, job):
            remove_thumbnails(session, library, video)


def remove_thumbnails(session: Session, library: Library, video: Video, besides: Job | None = None) -> None:
    """Remove what an unfinished ingest made, unless clips were stored or another ingest makes it anew.

    ``besides`` is our own job, while it is still ours.
    """
    known = videos.find_by_sha256(session, video.sha256)  # the video may have been deleted and added again
    is_needed = known is not None and (
        bool(clips.counts(session, [known.id])) or jobs.is_worked_at(session, known.id, besides)
    )
    if not is_needed:
        library.thumbnails.delete_video(video.sha256)


def abandon(library: Library, video: Video) -> None:
    """Leave a lost job to whoever has it; the thumbnails go when nobody has, or the video was deleted."""
    with library.database.writing() as session:
        remove_thumbnails(session, library, video)


def _require_ours(is_ours: bool, job: Job) -> None:
    if not is_ours:
        raise LeaseLost(f"job {job.id} was taken over, or its video deleted, before it could be ended")


def _describe(video: Video, indexed: IndexedVideo) -> None:
    video.container, video.codec = indexed.probe.container, indexed.probe.codec
    video.width, video.height = indexed.probe.width, indexed.probe.height
    video.frame_rate = indexed.probe.frame_rate
    video.duration_s = indexed.summary.decoded_seconds
    video.start_timecode = indexed.probe.start_timecode
    video.warning = indexed.summary.warning
