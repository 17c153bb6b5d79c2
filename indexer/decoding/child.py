"""What the decoding process does: confine itself, decode one video, write messages.

It confines itself before it touches the file, and it imports neither torch nor the catalog: an uploaded video
is hostile input, and whatever it does to the decoder happens in here.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from indexer.decoding import file_access, syscall_filter
from indexer.decoding.clip_cutter import ClipCutter
from indexer.decoding.clip_maker import ClipMaker
from indexer.decoding.clip_sampler import ClipSampler
from indexer.decoding.frame_sampler import FrameSampler
from indexer.decoding.limits import MAX_VIDEO_S, DecodeLimits, cpu_limit_s, limit_cpu, limit_resources
from indexer.decoding.messages import DecodedCues, DecodeMessage, DecodeProgress, DecodeSummary, write_message
from indexer.decoding.pictures import to_jpeg
from indexer.decoding.plans import ClipPlan, CutPlan, DecodePlan, FramePlan, Plan
from indexer.decoding.probe import VideoProbe, probe
from indexer.decoding.reader import FrameReader
from indexer.decoding.subtitle_reader import CueCollector
from indexer.errors import DecoderCrashed, IndexingError

PROGRESS_INTERVAL_S = 0.5


def run(path: Path, plan: Plan, limits: DecodeLimits, stream: BinaryIO) -> int:
    """Confine this process, decode the file at `path`, tell `stream` about it; return the exit status."""
    confine(path, plan, limits)
    try:
        for message in decode(path, plan):
            write_message(stream, message)
    except IndexingError as error:
        write_message(stream, error)
    except MemoryError:
        allowed = f"{limits.memory_bytes // 1024**2} MiB of memory"
        reason = (
            f"decoding {path.name} needs more than {allowed}: the file is damaged or its pictures too large"
        )
        write_message(stream, DecoderCrashed(reason))
    except BrokenPipeError:
        return 1  # the parent has gone or lost interest
    except (av.FFmpegError, OSError) as error:  # a traceback would tell strangers where we live
        write_message(stream, DecoderCrashed(f"decoding {path.name} failed ({error.strerror})"))
    return 0


def rehearse() -> None:
    """Do now what libraries put off until first use: a confined process finds no file to import from."""
    to_jpeg(np.zeros((16, 16, 3), np.uint8))


def confine(path: Path, plan: Plan, limits: DecodeLimits) -> None:
    """Leave this process nothing but its limits, its pipes, the file at `path` and what `plan` writes.

    What the machine does not offer is left out: `protections` says what that is.
    """
    writes = [Path(plan.target)] if isinstance(plan, CutPlan) else []
    limit_resources(limits, plan.max_bytes if isinstance(plan, CutPlan) else 0)
    if file_access.version():
        file_access.allow_only([path], writes)
    if syscall_filter.is_available():
        syscall_filter.refuse_system_calls(may_write=bool(writes))


def protections() -> dict[str, bool]:
    """Return which of the kernel's protections this machine offers, by what they protect."""
    return {"system_calls": syscall_filter.is_available(), "files": file_access.version() > 0}


def decode(path: Path, plan: Plan) -> Iterator[DecodeMessage]:
    """Yield what the file is, what `plan` asks for with progress between, and the summary.

    Raises IndexingError.
    """
    video = probe(path)
    yield video
    maker = _maker(plan, path, video)
    limit_cpu(cpu_limit_s(video, plan.end_s - plan.start_s if isinstance(plan, CutPlan) else 0.0))
    cues = CueCollector() if isinstance(plan, DecodePlan) else None
    reader = FrameReader(path, video, from_s=plan.from_s, until_s=min(plan.until_s, MAX_VIDEO_S), cues=cues)
    told_at = time.monotonic()
    for timed in reader:
        yield from maker.add(timed)
        if time.monotonic() - told_at >= PROGRESS_INTERVAL_S:
            told_at = time.monotonic()
            yield DecodeProgress(timed.time_s)
    yield from maker.finish(reader.end_s)
    if cues is not None and (cues.cues or cues.note):
        yield DecodedCues(cues.cues, cues.note)
    yield DecodeSummary(reader.end_s, reader.frames_decoded, _warning(reader, plan))


def _maker(plan: Plan, path: Path, video: VideoProbe) -> ClipMaker | FrameSampler | ClipSampler | ClipCutter:
    if isinstance(plan, ClipPlan):
        return ClipSampler(plan)
    if isinstance(plan, FramePlan):
        return FrameSampler(plan)
    if isinstance(plan, CutPlan):
        return ClipCutter(plan, path, video)
    return ClipMaker(plan)


def _warning(reader: FrameReader, plan: Plan) -> str | None:
    if plan.until_s <= MAX_VIDEO_S or reader.end_s < MAX_VIDEO_S:
        return reader.warning
    cut_off = f"Only the first {MAX_VIDEO_S / 3600:g} hours are read: cut the video into shorter files."
    return f"{reader.warning} {cut_off}" if reader.warning else cut_off
