"""Decoding a hostile file at arm's length: a fresh child process with limits, watched, always reaped.

A crash, a kill, lack of memory, silence: each becomes an IndexingError of this one file.
"""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from indexer.clip_times import ROUNDING_S
from indexer.decoding.child_output import ChildOutput
from indexer.decoding.limits import MAX_VIDEO_S, PROBE_CPU_S, WAIT_S_PER_CPU_S, DecodeLimits, wait_limit_s
from indexer.decoding.messages import DecodedClip, DecodeMessage, DecodeSummary, read_message
from indexer.decoding.plans import ClipPlan, CutPlan, DecodePlan, FramePlan, Plan
from indexer.decoding.probe import VideoProbe
from indexer.decoding.spawn_request import SpawnRequest
from indexer.decoding.spawner_pool import Ended, SpawnerPool
from indexer.errors import DecoderCrashed, DecoderDied, DecoderStalled, IndexingError

SPAWNERS = SpawnerPool()
"""The warm spawners of this process; starting one is left to the first decode."""


class Decoding:
    """A running decode: iterate over its messages, and leave its `with` block (or call `close`) to end it."""

    def __init__(
        self, path: Path, plan: Plan, limits: DecodeLimits | None = None, spawners: SpawnerPool = SPAWNERS
    ) -> None:
        """Start the child; raises ValueError for a relative path, DecoderDied where none can start."""
        if not path.is_absolute():
            raise ValueError(f"path {str(path)!r} is relative: pass an absolute path")
        self._path, self._plan = path, plan
        self._limits = limits or DecodeLimits()
        self._child, messages, errors = spawners.spawn(SpawnRequest(path, plan, self._limits))
        self._output = ChildOutput(
            messages,
            errors,
            path.name,
            self._limits.silence_s,
            self._limits.wait_s or PROBE_CPU_S * WAIT_S_PER_CPU_S,
        )
        self._is_complete = False
        self._clips, self._clips_end_s = 0, 0.0

    def __enter__(self) -> Self:
        """Return the decode itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child."""
        self.close()

    def __iter__(self) -> Iterator[DecodeMessage]:
        """Yield the messages up to the summary; raises the IndexingError of a refused file or dead child."""
        try:
            while not self._is_complete:
                message = self._next_message()
                self._is_complete = isinstance(message, DecodeSummary)
                yield message
        finally:
            self.close()

    @property
    def child_pid(self) -> int:
        """The process id of the child."""
        return self._child.pid

    @property
    def ended(self) -> Ended:
        """How the child ended, and what it used; a child that still runs is waited for, and then ended."""
        return self._child.wait()

    def kill(self) -> None:
        """End the child from any thread: whoever iterates is told that it died."""
        self._child.kill()

    def close(self) -> None:
        """End the child if it still runs, and reap it; calling again does nothing."""
        self.kill()
        self._child.wait()
        self._output.close()

    def _next_message(self) -> DecodeMessage:
        self._output.start_clock()
        try:
            line = self._output.read_line()
            message = read_message(line, self._output.read_exactly, self._plan)
            if isinstance(message, DecodedClip):
                self._check_place(message)
        except EOFError:
            raise self._death() from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DecoderCrashed(f"decoding {self._path.name} gave a garbled message: {error}") from error
        finally:
            self._output.stop_clock()
        if isinstance(message, VideoProbe) and self._limits.wait_s is None:
            cut_s = self._plan.end_s - self._plan.start_s if isinstance(self._plan, CutPlan) else 0.0
            self._output.wait_s = wait_limit_s(message, cut_s)
        return message

    def _check_place(self, clip: DecodedClip) -> None:
        """Refuse what no healthy child says, as each clip costs time and disk; raises ValueError."""
        least_s = self._clips * self._plan.min_clip_s if isinstance(self._plan, DecodePlan) else 0.0
        is_in_place = max(self._clips_end_s, least_s - ROUNDING_S) <= clip.start_s < clip.end_s <= MAX_VIDEO_S
        if not is_in_place or not 0 <= clip.decoded_s <= MAX_VIDEO_S:
            raise ValueError(f"clip {self._clips + 1} from {clip.start_s} to {clip.end_s} s is out of place")
        self._clips, self._clips_end_s = self._clips + 1, clip.end_s

    def _death(self) -> IndexingError:
        status = self._child.wait().status
        name = self._path.name
        if status == -signal.SIGXCPU:
            return DecoderStalled(f"decoding {name} took more CPU time than a video of its length may")
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
        said = self._output.errors_tail()
        return DecoderDied(
            f"the process that decoded {name} {how}: the file is damaged or needs too much memory"
            + (f" (it said: {said})" if said else "")
        )


def decode_clips(
    path: Path,
    plan: DecodePlan,
    limits: DecodeLimits | None = None,
    spawners: SpawnerPool = SPAWNERS,
) -> Decoding:
    """Start decoding the file at the absolute `path` in a child process; use as `with … as messages`.

    Iterating gives a VideoProbe, then DecodeProgress and DecodedClip in time order, then a DecodeSummary,
    and raises the IndexingError that says why the file is refused or the decoder died.
    """
    return Decoding(path, plan, limits, spawners)


def decode_frames(path: Path, plan: FramePlan) -> Decoding:
    """Start decoding frames of the file at the absolute `path`, as `decode_clips` does for clips.

    Iterating gives a VideoProbe, DecodeProgress, one DecodedFrames if the span shows anything, and a
    DecodeSummary that counts up to the end of the span.
    """
    return Decoding(path, plan)


def decode_clip(path: Path, plan: ClipPlan) -> Decoding:
    """Start decoding the pictures of one clip of the file at the absolute `path`, as `decode_frames` does."""
    return Decoding(path, plan)
