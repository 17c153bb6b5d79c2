"""The decoding process: `python -m indexer.decoding.child LIMITS PLAN PATH` writes messages to its stdout.

It limits itself before it touches the file, and it imports neither torch nor the catalog: an uploaded video
is hostile input, and whatever it does to the decoder happens in here.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av

from indexer.decoding.clip_sampler import ClipSampler
from indexer.decoding.frame_sampler import FrameSampler
from indexer.decoding.messages import (
    ClipPlan,
    CutPlan,
    DecodedCues,
    DecodeMessage,
    DecodePlan,
    DecodeProgress,
    DecodeSummary,
    FramePlan,
    Plan,
    read_plan,
    write_message,
)
from indexer.decoding.probe import VideoProbe, probe
from indexer.decoding.reader import FrameReader
from indexer.decoding.subtitle_reader import CueCollector
from indexer.errors import DecoderCrashed, IndexingError

if TYPE_CHECKING:
    from indexer.decoding.clip_cutter import ClipCutter
    from indexer.decoding.clip_maker import ClipMaker

PROGRESS_INTERVAL_S = 0.5

PROBE_CPU_S = 120
"""CPU seconds for opening the file and for what does not depend on its length."""

CPU_S_PER_VIDEO_S = 30
"""Ten times what AV1 at 4K takes on one slow core."""

CPU_S_PER_CUT_S = 120
"""Ten times what coding 4K at 60 frames a second takes on one slow core."""

ASSUMED_BYTES_PER_S = 12_500
"""For files that do not tell their duration: 100 kbit/s, a very low rate, hence a generous limit."""

MAX_CPU_S = 7 * 24 * 3600


@dataclass(frozen=True)
class DecodeLimits:
    """What the decoding process may take: address space and open files."""

    memory_bytes: int = 4 * 1024**3
    open_files: int = 64


def limit_resources(limits: DecodeLimits, written_bytes: int = 0) -> None:
    """Bound this process for the rest of its life: memory, CPU time, open and written files, no core."""
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_FSIZE, written_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, PROBE_CPU_S, is_final=False)


def cpu_limit_s(video: VideoProbe, cut_s: float = 0.0) -> int:
    """Return the CPU seconds that decoding `video`, and coding `cut_s` seconds of it, may take."""
    duration_s = video.duration_s or video.size_bytes / ASSUMED_BYTES_PER_S
    return int(min(PROBE_CPU_S + CPU_S_PER_VIDEO_S * duration_s + CPU_S_PER_CUT_S * cut_s, MAX_CPU_S))


def decode(path: Path, plan: Plan) -> Iterator[DecodeMessage]:
    """Yield what the file is, what `plan` asks for with progress between, and the summary.

    Raises IndexingError.
    """
    video = probe(path)
    yield video
    maker = _maker(plan, path, video)
    from_s, cut_s = 0.0, 0.0
    if isinstance(plan, ClipPlan):
        from_s = plan.from_s
    elif isinstance(plan, CutPlan):
        from_s, cut_s = plan.start_s, plan.end_s - plan.start_s
    _limit(resource.RLIMIT_CPU, cpu_limit_s(video, cut_s), is_final=False)
    cues = CueCollector() if isinstance(plan, DecodePlan) else None
    reader = FrameReader(path, video, from_s=from_s, until_s=plan.until_s, cues=cues)
    told_at = time.monotonic()
    for timed in reader:
        yield from maker.add(timed)
        if time.monotonic() - told_at >= PROGRESS_INTERVAL_S:
            told_at = time.monotonic()
            yield DecodeProgress(timed.time_s)
    yield from maker.finish(reader.end_s)
    if cues is not None and (cues.cues or cues.note):
        yield DecodedCues(cues.cues, cues.note)
    yield DecodeSummary(reader.end_s, reader.frames_decoded, reader.warning)


def main(arguments: Sequence[str]) -> int:
    """Decode the file that the three `arguments` name; return the exit status."""
    limits, plan = DecodeLimits(**json.loads(arguments[0])), read_plan(arguments[1])
    path = Path(arguments[2])
    # Whatever a library prints must not get between the messages.
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    limit_resources(limits, plan.max_bytes if isinstance(plan, CutPlan) else 0)
    try:
        for message in decode(path, plan):
            write_message(stream, message)
    except IndexingError as error:
        write_message(stream, error)
    except MemoryError:
        limit_mib = limits.memory_bytes // 1024**2
        write_message(stream, DecoderCrashed(f"decoding {path.name} needs more memory than {limit_mib} MiB"))
    except BrokenPipeError:
        return 1  # the parent has gone or lost interest
    except (av.FFmpegError, OSError) as error:  # a traceback would tell strangers where we live
        write_message(stream, DecoderCrashed(f"decoding {path.name} failed ({error.strerror})"))
    return 0


def _maker(
    plan: Plan, path: Path, video: VideoProbe
) -> "ClipMaker | FrameSampler | ClipSampler | ClipCutter":
    if isinstance(plan, ClipPlan):
        return ClipSampler(plan)
    if isinstance(plan, FramePlan):
        return FrameSampler(plan)
    # Imported late: PySceneDetect takes half a second to import, and refusing a file needs none of it.
    if isinstance(plan, CutPlan):
        from indexer.decoding.clip_cutter import ClipCutter

        return ClipCutter(plan, path, video)
    from indexer.decoding.clip_maker import ClipMaker

    return ClipMaker(plan)


def _limit(kind: int, value: int, *, is_final: bool = True) -> None:
    """Set a limit, never above what was given to us; a final one cannot be raised again."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value if is_final else hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
