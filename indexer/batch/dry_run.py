"""What a batch would have to do: files, hours, gigabytes and time, found out without writing anything."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.catalog import generations
from indexer.catalog.session import Database
from indexer.catalog.states import JobState
from indexer.catalog.tables import Job, Video
from indexer.config import Settings
from indexer.decoding.plans import DecodePlan
from indexer.decoding.probe import VideoProbe
from indexer.decoding.sandbox import decode_clips
from indexer.errors import IndexingError
from indexer.folders.intake import BatchCode, Refusal, is_searchable, refuse_at_the_door
from indexer.folders.walk import FoundFile, Unreadable, hash_file, reason_of

ASSUMED_SPEED = 10.0
"""× real time while nothing is measured yet: 1080p on two CPU cores, with room for slower codecs."""

RECENT_JOBS = 200
"""The last jobs the measured speed is taken from: enough for a mean, few enough to be recent."""

PROBE_PLAN = DecodePlan(image_size=32, resize_mode="shortest", frames_per_clip=1)
"""The probe comes before the first clip, so the plan only has to be small."""


@dataclass
class Survey:
    """What a batch would find and do."""

    files: int = 0
    already_indexed: int = 0
    new_files: int = 0
    new_bytes: int = 0
    new_s: float = 0.0
    """Seconds of video to index, by what the files claim."""
    silent_files: int = 0
    """New files that do not say how long they are."""
    refusals: list[Refusal] = field(default_factory=list)
    measured_speed: float | None = None
    """× real time at which this library was indexed so far; None when it never was."""

    @property
    def estimate_s(self) -> float:
        """Return how many seconds the new files may take."""
        return self.new_s / (self.measured_speed or ASSUMED_SPEED)


def survey(
    settings: Settings,
    database: Database | None,
    files: Sequence[FoundFile | Unreadable],
    on_bytes: Callable[[int], None],
) -> Survey:
    """Return what a batch over ``files`` would do; ``database`` is None when there is no library yet."""
    found = Survey(files=len(files))
    known = _KnownBytes(files)
    if database is not None:
        with database.reading() as session:
            known.add_indexed(session)
            found.measured_speed = measured_speed(session)
    for file in files:
        if isinstance(file, Unreadable):
            found.refusals.append(Refusal(file.path, BatchCode.UNREADABLE, file.reason))
        elif refusal := refuse_at_the_door(settings, file):
            found.refusals.append(refusal)
        else:
            _count(found, known, file)
            on_bytes(file.size_bytes)
    return found


def measured_speed(session: Session) -> float | None:
    """Return at how many × real time the last jobs ran, from their start to their end; None without any."""
    rows = session.execute(
        select(Video.duration_s, Job.started_at, Job.finished_at)
        .join(Video, Video.id == Job.video_id)
        .where(Job.state == JobState.DONE, Job.started_at.is_not(None), Video.duration_s.is_not(None))
        .order_by(Job.finished_at.desc())
        .limit(RECENT_JOBS)
    ).all()
    video_s = sum(duration_s for duration_s, _, _ in rows if duration_s)
    worked_s = sum((end - start).total_seconds() for _, start, end in rows if start and end)
    return video_s / worked_s if worked_s > 0 else None


class _KnownBytes:
    """Tells whether a file's bytes are indexed or came before; reads only files that share their size."""

    def __init__(self, files: Sequence[FoundFile | Unreadable]) -> None:
        self._sizes = Counter(file.size_bytes for file in files if isinstance(file, FoundFile))
        self._seen: set[str] = set()

    def add_indexed(self, session: Session) -> None:
        """Count the videos that a search can find."""
        generation = generations.serving(session)
        if generation is None:
            return
        indexed = select(Video.size_bytes, Video.sha256).where(is_searchable(generation.id))
        for size_bytes, sha256 in session.execute(indexed):
            self._sizes[size_bytes] += 1
            self._seen.add(sha256)

    def __contains__(self, file: FoundFile) -> bool:
        """Return whether ``file`` adds nothing, and remember it; raises OSError."""
        if self._sizes[file.size_bytes] < 2:
            return False
        sha256 = hash_file(file.path)
        is_known = sha256 in self._seen
        self._seen.add(sha256)
        return is_known


def _count(found: Survey, known: _KnownBytes, file: FoundFile) -> None:
    try:
        if file in known:
            found.already_indexed += 1
            return
        duration_s = _claimed_duration_s(file.path)
    except IndexingError as error:
        found.refusals.append(Refusal(file.path, error.code, str(error)))
    except OSError as error:
        found.refusals.append(Refusal(file.path, BatchCode.UNREADABLE, reason_of(error)))
    else:
        found.new_files += 1
        found.new_bytes += file.size_bytes
        found.new_s += duration_s or 0.0
        found.silent_files += duration_s is None


def _claimed_duration_s(path: Path) -> float | None:
    with decode_clips(path, PROBE_PLAN) as messages:
        first = next(iter(messages), None)
    return first.duration_s if isinstance(first, VideoProbe) else None
