"""A small library with something of every kind in it: what a backup must hold, and a doctor finds whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.catalog import clips, cues
from indexer.catalog.client_tables import Deletion, Webhook, WebhookDelivery
from indexer.catalog.clips import NewClip
from indexer.catalog.spoken_words import IndexedWords
from indexer.catalog.states import CueSource, JobState, VideoState
from indexer.catalog.tables import Base, Generation, Job, Judgement, Video
from indexer.cue_text import NewCue
from indexer.library import Library
from indexer.thumbnails import thumbnail_key
from tests.factories import make_generation, make_job, make_unit_vectors, make_video

JPEG = b"\xff\xd8 a picture \xff\xd9"

OF_A_RESTORE = {"generations.history_id", "generations.revision"}
"""Columns that a restore changes."""

NOT_IN_BACKUPS = {"tombstones", "uploads", "idempotency_keys"}


@dataclass(frozen=True)
class Stock:
    """What was put into a library."""

    generation: Generation
    videos: list[Video]


def stock(library: Library, *contents: bytes) -> Stock:
    """Fill a library with a video of two clips for each of ``contents``, and with what goes along."""
    with library.database.writing() as session:
        generation = make_generation()
        session.add(generation)
        session.flush()
        webhook = Webhook(url="https://example.org/hook", secret="whsec_x", events=["job.done"])
        session.add_all([webhook, Deletion(video_id="0" * 32, receipt={"videos": 1, "sha256": "0" * 64})])
        session.flush()
        session.add(WebhookDelivery(webhook_id=webhook.id, event="job.done", payload={"id": "é"}))
    return Stock(generation, [add_video(library, generation, content) for content in contents])


def add_video(library: Library, generation: Generation, content: bytes, **fields: Any) -> Video:
    """Upload ``content`` and index it: two clips with thumbnails, words said, a judgement, a job done."""
    stored = library.media.save([content], "film.mp4", max_bytes=10**9)
    described: dict[str, Any] = {
        "sha256": stored.sha256,
        "filename": "film ☃.mp4",
        "media_path": stored.path,
        "is_managed": True,
        "size_bytes": len(content),
        "state": VideoState.READY,
        "extra": {"who": "Zoë", "n": 1.5},
    }
    with library.database.writing() as session:
        video = make_video(**{**described, **fields})
        session.add(video)
        session.flush()
        _describe(session, video)
    index(library, generation, video)
    library.media.keep(stored)
    return video


def index(library: Library, generation: Generation, video: Video) -> None:
    """Do what a worker does with a job of a video."""
    for clip in _clips(video):
        library.thumbnails.write(clip.thumbnail_key, JPEG)
    with library.database.writing() as session:
        serving = session.get_one(Generation, generation.id)
        indexed = session.get_one(Video, video.id)
        clips.store(session, video=indexed, generation=serving, clips=list(_clips(video)))
        indexed.state = VideoState.READY
        for job in session.scalars(select(Job).where(Job.video_id == video.id)):
            job.state = JobState.DONE


def rows_of(library: Library, *, leaving_out: Iterable[str] = NOT_IN_BACKUPS) -> dict[str, list[Any]]:
    """Return every row of a library that a backup holds, by table, but for what a restore changes."""
    found = {}
    with library.database.reading() as session:
        for table in Base.metadata.sorted_tables:
            columns = [
                column
                for column in table.columns
                if not isinstance(column.type, IndexedWords) and str(column) not in OF_A_RESTORE
            ]
            if table.name not in set(leaving_out):
                found[table.name] = sorted(map(tuple, session.execute(select(*columns))), key=repr)
    return found


def files_of(library: Library) -> dict[str, bytes]:
    """Return media and thumbnails of a library, and whatever else lies beside them, by path."""
    home = library.settings.home_folder
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for folder in ("media", "thumbnails", "previews", "uploads", "index", "lost-and-found")
        for path in (home / folder).rglob("*")
        if path.is_file()
    }


def _describe(session: Session, video: Video) -> None:
    session.add(make_job(video, state=JobState.DONE, stage="done", fraction=1.0))
    session.add(
        Judgement(query="snow", query_key="k", video_id=video.id, start_s=0.0, end_s=4.0, is_relevant=True)
    )
    said = [NewCue(0.0, 2.0, f"Snow in May, said {video.sha256[:4]}", "en")]
    cues.replace(session, video.id, CueSource.SIDECAR, said)


def _clips(video: Video) -> Iterable[NewClip]:
    for ordinal in range(2):
        vectors = make_unit_vectors(int(video.sha256[:6], 16) + ordinal, 3)
        start_s = 4.0 * ordinal
        yield NewClip(
            start_s=start_s,
            end_s=start_s + 4.0,
            thumbnail_key=thumbnail_key(video.sha256, start_s),
            vector=vectors[0],
            segments=vectors[1:],
        )
