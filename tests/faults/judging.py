"""What must be true of a library at rest, told from its rows and files alone, and by the doctor.

Nothing of the code under test is used for the first but the tables.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import OperationalError

from indexer.catalog.client_tables import Upload
from indexer.catalog.states import EmbeddingKind, GenerationState, JobState, VideoState
from indexer.catalog.tables import Clip, Embedding, Generation, Job, Video
from indexer.doctor.examination import examine
from indexer.library import Library
from tests.fakes import SEGMENTS_PER_CLIP, unit_vector
from tests.faults.ledger import Ledger, Promise

DRAINED_WITHIN_S = 120.0
QUERIES = ("a cat", "a wall", "snow")
MOST_HITS = 100


@dataclass(frozen=True)
class Rows:
    """All of a library that matters here."""

    videos: Sequence[Video]
    clips: Sequence[Clip]
    jobs: Sequence[Job]
    vectors: Counter[tuple[str, EmbeddingKind]]
    """How many there are of each clip in the serving generation."""
    upload_ids: set[str]


def drain(library: Library) -> None:
    """Return when no job waits or runs."""
    give_up_at = time.monotonic() + DRAINED_WITHIN_S
    open_states = (JobState.QUEUED, JobState.RUNNING)
    while True:
        try:
            with library.database.reading() as session:
                left = list(session.scalars(select(Job).where(Job.state.in_(open_states), _is_for_workers())))
        except OperationalError:  # it is being restarted
            left = []
            time.sleep(1)
            continue
        if not left:
            return
        told = [(job.id, job.state, job.stage, job.attempts, job.owner) for job in left[:5]]
        assert time.monotonic() < give_up_at, f"{len(left)} jobs do not end: {told}"
        time.sleep(0.1)


def _is_for_workers() -> ColumnElement[bool]:
    """Return the condition that a job is not of a generation that nobody builds here."""
    serving = select(Generation.id).where(Generation.state == GenerationState.SERVING)
    return or_(Job.generation_id.is_(None), Job.generation_id.in_(serving))


def faults(library: Library, ledger: Ledger, url: str | None = None) -> list[str]:
    """Return what is wrong, in sentences; ``url`` is of the service that is to search it."""
    rows = read_rows(library)
    ledger.settle({video.sha256: video.id for video in rows.videos})
    found = [*_promises_broken(rows, ledger), *_clips_wrong(rows), *_files_wrong(library, rows)]
    found += [f"the doctor: {result.finding.message}" for result in examine(library, is_deep=True)]
    found += [f"video {video_id} was found after its deletion" for video_id in ledger.wrong_hits]
    found += [f"refused: {answer}" for answer in ledger.refusals]
    if url is not None:
        found += _searches_wrong(library, url)
    return found


def read_rows(library: Library) -> Rows:
    """Return what the catalog holds now."""
    with library.database.reading() as session:
        serving = session.scalars(
            select(Generation.id).where(Generation.state == GenerationState.SERVING)
        ).one()
        counted = session.execute(
            select(Embedding.clip_id, Embedding.kind, func.count())
            .where(Embedding.generation_id == serving)
            .group_by(Embedding.clip_id, Embedding.kind)
        )
        return Rows(
            videos=session.scalars(select(Video)).all(),
            clips=session.scalars(select(Clip).order_by(Clip.video_id, Clip.ordinal)).all(),
            jobs=session.scalars(select(Job)).all(),
            vectors=Counter({(clip_id, kind): count for clip_id, kind, count in counted}),
            upload_ids=set(session.scalars(select(Upload.id))),
        )


def _promises_broken(rows: Rows, ledger: Ledger) -> Iterator[str]:
    copies = Counter(video.sha256 for video in rows.videos)
    clips = Counter(clip.video_id for clip in rows.clips)
    known = {video.sha256: video for video in rows.videos}
    for sha256, entry in ledger.entries.items():
        if entry.promise is Promise.DELETED:
            if copies[sha256]:
                yield f"LOST a deletion: video {entry.video_id} is there"
            continue
        if copies[sha256] != 1:
            kind = "DUPLICATED" if copies[sha256] else "LOST"
            yield f"{kind}: {sha256[:8]} is there {copies[sha256]} times"
            continue
        video = known[sha256]
        is_ready = video.state is VideoState.READY
        if is_ready and clips[video.id] != entry.clips:
            kind = "DUPLICATED" if clips[video.id] > (entry.clips or 0) else "LOST"
            yield f"{kind} clips: {video.id} has {clips[video.id]}, not {entry.clips}"
        if not is_ready and not (
            video.state is VideoState.FAILED and video.error_code and video.error_message
        ):
            yield f"video {video.id} is {video.state} for no reason"
        if video.state is VideoState.FAILED and clips[video.id]:
            yield f"failed video {video.id} has clips"
    yield from (
        f"video {one.id} came from nowhere" for one in rows.videos if one.sha256 not in ledger.entries
    )
    jobs = Counter(job.video_id for job in rows.jobs)
    yield from (f"video {one.id} has {jobs[one.id]} jobs" for one in rows.videos if jobs[one.id] < 1)


def _clips_wrong(rows: Rows) -> Iterator[str]:
    for clip in rows.clips:
        whole = rows.vectors[clip.id, EmbeddingKind.CLIP]
        parts = rows.vectors[clip.id, EmbeddingKind.SEGMENT]
        if (whole, parts) != (1, SEGMENTS_PER_CLIP):
            yield f"clip {clip.id} has {whole} vectors and {parts} of its parts"


def _files_wrong(library: Library, rows: Rows) -> Iterator[str]:
    home = library.settings.home_folder
    expected = {f"media/{video.media_path}" for video in rows.videos}
    expected |= {f"thumbnails/{clip.thumbnail_key}" for clip in rows.clips}
    there = {
        str(path.relative_to(home))
        for folder in ("media", "thumbnails", "previews", "uploads", "cuts")
        for path in (home / folder).rglob("*")
        if path.is_file() and path.name not in rows.upload_ids
    }
    yield from (f"LOST the file {name}" for name in sorted(expected - there))
    yield from (f"nobody owns the file {name}" for name in sorted(there - expected))
    for video in rows.videos:
        path = home / "media" / video.media_path
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != video.sha256:
            yield f"the file of {video.id} has other bytes"


def brute_force(library: Library, vector: NDArray[np.float32]) -> dict[str, float]:
    """Return the cosine of every clip of the serving generation, by id, from the rows alone."""
    with library.database.reading() as session:
        rows = session.execute(
            select(Embedding.clip_id, Embedding.vector)
            .join(Generation, Generation.id == Embedding.generation_id)
            .where(Generation.state == GenerationState.SERVING, Embedding.kind == EmbeddingKind.CLIP)
        ).all()
    if not rows:
        return {}
    stored = np.array([np.frombuffer(packed, "<f2") for _, packed in rows], dtype=np.float64)
    scores = stored @ vector / np.linalg.norm(stored, axis=1)
    return {clip_id: float(score) for (clip_id, _), score in zip(rows, scores, strict=True)}


def _searches_wrong(library: Library, url: str) -> Iterator[str]:
    for query in QUERIES:
        answer = httpx.get(
            f"{url}/search",
            params={"q": query, "limit": MOST_HITS, "merge": False, "collapse": False, "mode": "visual"},
            timeout=60,
        )
        if answer.status_code != 200:
            yield f"search answers {answer.status_code}: {answer.text[:200]}"
            continue
        found = {hit["clip_id"]: hit["score"] for hit in answer.json()["data"]}
        best = brute_force(library, unit_vector(query))
        expected = sorted(best.values(), reverse=True)[:MOST_HITS]
        if len(found) != len(expected):
            yield f"search finds {len(found)} clips, brute force {len(expected)}"
        elif not np.allclose(sorted(found.values(), reverse=True), expected, atol=2e-3):
            yield f"search has other scores than brute force for {query!r}"
        if any(abs(best.get(clip_id, 9.0) - score) > 2e-3 for clip_id, score in found.items()):
            yield f"search finds clips that brute force does not, for {query!r}"
