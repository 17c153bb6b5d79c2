"""The time to index a folder, by stage.

Decoding and encoding overlap while indexing, so decoding is also timed alone, over the same files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from indexer.decoding.messages import DecodeSummary
from indexer.decoding.sandbox import decode_clips
from indexer.errors import IndexingError
from indexer.folders.intake import QueuedFile, take_in
from indexer.folders.walk import FoundFile
from indexer.generation_models import begin
from indexer.ingest import IngestReport, plan_for
from indexer.library import Library
from indexer.worker import Worker
from model.evaluation.reduction_share import measure_reduction_share
from model.factory import Encoders


@dataclass(frozen=True)
class IndexingFigures:
    """Seconds by stage over all files that could be indexed."""

    files: int
    clips: int
    video_s: float
    """Seconds of video in them."""
    decode_s: float
    """Decoding alone, with nothing beside it."""
    reduce_s: float
    """Choosing tokens: the part of encoding that token reduction costs."""
    encode_s: float
    """The rest of encoding."""
    store_s: float
    total_s: float
    """From the first file's start to the last one's end, stages overlapping."""


def measure_indexing(library: Library, encoders: Encoders, files: Sequence[FoundFile]) -> IndexingFigures:
    """Index ``files`` into an empty library and return the times; raises ValueError if none could be."""
    worker = Worker(library, begin(library.database, encoders))
    reports = [report for file in files if (report := _index(worker, file)) is not None]
    if not reports:
        raise ValueError("none of the files could be indexed: run python -m indexer.batch to see why")
    encode_s = sum(report.timings.encode_s for report in reports)
    reduce_s = encode_s * measure_reduction_share(encoders.video)
    return IndexingFigures(
        files=len(reports),
        clips=sum(report.clips for report in reports),
        video_s=sum(report.duration_s for report in reports),
        decode_s=sum(_decode(file.path, encoders) for file in files),
        reduce_s=reduce_s,
        encode_s=encode_s - reduce_s,
        store_s=sum(report.timings.store_s for report in reports),
        total_s=sum(report.timings.total_s for report in reports),
    )


def _index(worker: Worker, file: FoundFile) -> IngestReport | None:
    """Return the report on ``file``; None if it was refused or is a copy of another."""
    taken = take_in(worker.library, worker.generation_id, file, lambda _: None)
    if not isinstance(taken, QueuedFile):
        return None
    report = worker.run_one([taken.job_id])
    return report if report is not None and report.error is None else None


def _decode(path: Path, encoders: Encoders) -> float:
    """Return the seconds that decoding alone takes; 0 for a file that is refused."""
    started = perf_counter()
    try:
        with decode_clips(path, plan_for(encoders)) as messages:
            is_whole = any(isinstance(message, DecodeSummary) for message in messages)
    except IndexingError:
        return 0.0
    return perf_counter() - started if is_whole else 0.0
