"""The whole ingest of one video, in the order it happens: decode, keep thumbnails, encode, store.

- Decoding runs in a child process and encoding in a thread, so that the two overlap.
- Whichever way the job ends, it is one transaction, made only while the job is still ours (``job_endings``).
"""

import errno
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from indexer.catalog.states import CueSource
from indexer.catalog.tables import Job, Video
from indexer.clip_encoder import ClipEncoder
from indexer.cue_text import NewCue
from indexer.decoding.messages import DecodedClip, DecodedCues, DecodeMessage, DecodeProgress, DecodeSummary
from indexer.decoding.plans import DecodePlan
from indexer.decoding.probe import VideoProbe
from indexer.decoding.sandbox import decode_clips
from indexer.errors import (
    DecoderCrashed,
    DecoderDied,
    DecoderStalled,
    DiskFull,
    IndexingError,
    MediaMissing,
)
from indexer.job_endings import IndexedVideo, abandon, complete, lose_attempt, refuse, remove_thumbnails
from indexer.job_lease import JobLease, LeaseLost, Progress
from indexer.library import Library
from indexer.subtitle_file import subtitle_warning
from indexer.subtitle_sidecars import SidecarFinder
from indexer.thumbnails import thumbnail_key

if TYPE_CHECKING:
    from model.factory import Encoders

log = logging.getLogger(__name__)


class InternalError(IndexingError):
    """Something failed that is no known fault of a video; the worker's log has the traceback."""

    code = "internal-error"


@dataclass
class StageTimings:
    """Seconds by stage; decoding and encoding overlap, so the parts may add up to more than ``total_s``."""

    decode_wait_s: float = 0.0
    encode_s: float = 0.0
    store_s: float = 0.0
    total_s: float = 0.0

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the seconds that the block takes to ``stage``, also when it raises."""
        started = perf_counter()
        try:
            yield
        finally:
            setattr(self, stage, getattr(self, stage) + perf_counter() - started)


@dataclass(frozen=True)
class IngestReport:
    """What became of a job: its clips and seconds of video, or the error that ended this attempt."""

    video_id: str
    clips: int
    duration_s: float
    timings: StageTimings
    error: IndexingError | None = None


def ingest_video(
    library: Library, encoders: "Encoders", generation_id: int, video: Video, lease: JobLease
) -> IngestReport:
    """Index ``video`` and end the claimed job of ``lease``, as done or as failed; the report says which.

    Raises LeaseLost when the job is no longer ours and OperationalError when the database fails: nothing is
    written then.
    """
    try:
        return _index_or_refuse(library, encoders, generation_id, video, lease)
    except LeaseLost:
        abandon(library, video)
        raise


def _index_or_refuse(
    library: Library, encoders: "Encoders", generation_id: int, video: Video, lease: JobLease
) -> IngestReport:
    timings = StageTimings()
    try:
        with timings.measure("total_s"):
            path = _locate(library, video)
            _sweep_killed_attempt(library, video, lease.job)
            indexed = _decode_and_encode(library, encoders, video, path, timings, lease)
            lease.report(Progress("storing", 1.0, indexed.summary.decoded_seconds))
            with timings.measure("store_s"):
                complete(library, generation_id, lease.job, indexed)
    except (LeaseLost, OperationalError):
        raise
    except Exception as error:
        reason = error if isinstance(error, IndexingError) else _reason_of(error, video)
        end = lose_attempt if isinstance(reason, DecoderDied | DecoderStalled) else refuse
        end(library, lease.job, video, reason)
        return IngestReport(video.id, clips=0, duration_s=0.0, timings=timings, error=reason)
    return IngestReport(video.id, len(indexed.clips), indexed.summary.decoded_seconds, timings)


def _locate(library: Library, video: Video) -> Path:
    path = library.media.locate(video.media_path)
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise MediaMissing(
            f"{path} cannot be read ({error.strerror}): put it back, or index the folder it moved to"
        ) from error
    if size_bytes != video.size_bytes:
        raise MediaMissing(
            f"{path} has {size_bytes} bytes, not the {video.size_bytes} it was added with: it was changed; "
            "index its folder again"
        )
    return path


def _sweep_killed_attempt(library: Library, video: Video, job: Job) -> None:
    with library.database.writing() as session:
        remove_thumbnails(session, library, video, besides=job)


def _decode_and_encode(
    library: Library,
    encoders: "Encoders",
    video: Video,
    path: Path,
    timings: StageTimings,
    lease: JobLease,
) -> IndexedVideo:
    probe, summary, streams, decoded_s = None, None, DecodedCues([], None), 0.0
    with (
        decode_clips(path, plan_for(encoders)) as messages,
        lease.stopping(messages.kill),
        ClipEncoder(encoders.video) as encoder,
    ):
        for message in _measured(messages, timings):
            if isinstance(message, VideoProbe):
                probe = message
            elif isinstance(message, DecodeSummary):
                summary = message
            elif isinstance(message, DecodedCues):
                streams = message
            elif isinstance(message, DecodeProgress | DecodedClip):
                decoded_s = message.decoded_s
                lease.report(Progress("decoding", _fraction(decoded_s, probe), decoded_s))
            if isinstance(message, DecodedClip):
                key = thumbnail_key(video.sha256, message.start_s)
                library.thumbnails.write(key, message.thumbnail_jpeg)
                encoder.add(message, key)
        lease.report(Progress("encoding", 1.0, decoded_s))
        clips = encoder.finish()
        timings.encode_s = encoder.encode_s
    if probe is None or summary is None:
        raise DecoderCrashed(f"decoding {video.filename} ended before it was complete: index it again")
    said, said_warning = _said(video, path, streams)
    return IndexedVideo(probe, summary, clips, said, said_warning)


def _said(video: Video, path: Path, streams: DecodedCues) -> tuple[dict[CueSource, list[NewCue]], str | None]:
    """Return what is said in the video and beside it, and what was wrong with that."""
    notes = (streams.note,) if streams.note else ()
    if video.is_managed:  # nothing of a person's lies beside an upload
        return {CueSource.STREAM: streams.cues}, subtitle_warning(notes)
    beside = SidecarFinder().read(path)
    return {CueSource.STREAM: streams.cues, CueSource.SIDECAR: beside.cues}, subtitle_warning(
        notes + beside.notes
    )


def plan_for(encoders: "Encoders") -> DecodePlan:
    """Return what decoding must make of a video for the encoders."""
    preprocessing = encoders.video.preprocessing
    return DecodePlan(
        image_size=preprocessing.image_size,
        resize_mode=preprocessing.resize_mode,
        frames_per_clip=encoders.video.frames_per_clip,
    )


def _measured(messages: Iterable[DecodeMessage], timings: StageTimings) -> Iterator[DecodeMessage]:
    """Pass ``messages`` on, counting the time spent waiting for each."""
    waiting = iter(messages)
    while True:
        with timings.measure("decode_wait_s"):
            message = next(waiting, None)
        if message is None:
            return
        yield message


def _fraction(decoded_s: float, probe: VideoProbe | None) -> float:
    """Return how much of the video is decoded; 0 while the container does not say how long it is."""
    if probe is None or not probe.duration_s:
        return 0.0
    return min(decoded_s / probe.duration_s, 1.0)


def _reason_of(error: Exception, video: Video) -> IndexingError:
    """Return why an ingest failed that no fault of the video explains."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(f"the disk became full while {video.filename} was indexed")
    log.exception("ingest failed unexpectedly", extra={"action": "ingest_failed", "video_id": video.id})
    return InternalError(
        f"{video.filename} failed for no fault of its own ({type(error).__name__}: {error}): "
        "see the worker's log, then index it again"
    )
