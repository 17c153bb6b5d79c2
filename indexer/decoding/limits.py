"""What the decoding child may take: memory, processor time, patience, files."""

import resource
from dataclasses import dataclass

from indexer.decoding.probe import VideoProbe

PROBE_CPU_S = 120
"""CPU seconds for opening the file and for what does not depend on its length."""

CPU_S_PER_VIDEO_S = 30
"""Ten times what AV1 at 4K takes on one slow core."""

CPU_S_PER_CUT_S = 120
"""Ten times what coding 4K at 60 frames a second takes on one slow core."""

ASSUMED_BYTES_PER_S = 12_500
"""For files that do not tell their duration: 100 kbit/s, a very low rate, hence a generous limit."""

MAX_CPU_S = 7 * 24 * 3600

CPU_GRACE_S = 5
"""From the signal that the time is over, which the parent understands, to the one that nothing survives."""

WAIT_S_PER_CPU_S = 4
"""So many processes may share a core before a slow decode counts as a stuck one."""

MAX_VIDEO_S = 48 * 3600.0
"""Reading ends here: a few bytes can claim a year of stills, each ten seconds of them a clip to encode."""


@dataclass(frozen=True)
class DecodeLimits:
    """What the decoding process may take."""

    memory_bytes: int = 4 * 1024**3
    """Address space, of which some 400 MB are libraries."""

    open_files: int = 64

    silence_s: float = 60.0
    """Without a message for so long, the child is stuck: a healthy one reports progress twice a second."""

    wait_s: float | None = None
    """Seconds that the parent waits for it, all messages together; None: by the length of the video."""


def limit_resources(limits: DecodeLimits, written_bytes: int = 0) -> None:
    """Bound this process for the rest of its life: memory, CPU time, open and written files, no core."""
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_FSIZE, written_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, PROBE_CPU_S, is_final=False)


def limit_cpu(seconds: int) -> None:
    """Bound the CPU time of this process for the rest of its life: a signal, and soon after it the end."""
    _limit(resource.RLIMIT_CPU, seconds + CPU_GRACE_S)
    _limit(resource.RLIMIT_CPU, seconds, is_final=False)


def cpu_limit_s(video: VideoProbe, cut_s: float = 0.0) -> int:
    """Return the CPU seconds that decoding `video`, and coding `cut_s` seconds of it, may take."""
    duration_s = video.duration_s or video.size_bytes / ASSUMED_BYTES_PER_S
    return int(min(PROBE_CPU_S + CPU_S_PER_VIDEO_S * duration_s + CPU_S_PER_CUT_S * cut_s, MAX_CPU_S))


def wait_limit_s(video: VideoProbe, cut_s: float = 0.0) -> float:
    """Return the seconds that a parent may wait for the child in all, other work of its own not counted."""
    return float(WAIT_S_PER_CPU_S * cpu_limit_s(video, cut_s))


def _limit(kind: int, value: int, *, is_final: bool = True) -> None:
    """Set a limit, never above what was given to us; a final one cannot be raised again."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value if is_final else hard))
