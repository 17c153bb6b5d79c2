"""Decoding a hostile file at arm's length: a child process with limits, watched, always reaped.

A crash, a kill, lack of memory, silence: each becomes an IndexingError of this one file.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from indexer.decoding.child import DecodeLimits
from indexer.decoding.messages import (
    MAX_HEADER_BYTES,
    ClipPlan,
    DecodeMessage,
    DecodePlan,
    DecodeSummary,
    FramePlan,
    Plan,
    read_message,
)
from indexer.errors import DecoderCrashed, DecoderStalled, IndexingError

STALL_S = 60.0
"""Without a message for so long, the child is stuck: a healthy one reports progress twice a second."""

MAX_STDERR_BYTES = 4096
"""Of what the child writes to stderr, the end is kept and the rest dropped."""

MAX_QUOTED_CHARACTERS = 500

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")
"""The child sees no other variable: passwords and tokens stay with the parent."""

CHILD_COMMAND = [sys.executable, "-P", "-m", "indexer.decoding.child"]
"""`-P` keeps the current folder, which may be anybody's, out of the import path."""

_CHUNK_BYTES = 1 << 16


class Decoding:
    """A running decode: iterate over its messages, and leave its `with` block (or call `close`) to end it."""

    def __init__(self, path: Path, plan: Plan, limits: DecodeLimits, stall_s: float) -> None:
        """Start the child; raises ValueError for a relative path."""
        if not path.is_absolute():
            raise ValueError(f"path {str(path)!r} is relative: pass an absolute path")
        self._path = path
        self._plan = plan
        # A group of its own: Ctrl-C is for the parent, which then ends the child.
        self._process = subprocess.Popen(
            [*CHILD_COMMAND, json.dumps(asdict(limits)), json.dumps(asdict(plan)), str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            close_fds=True,
            env=child_environment(),
            process_group=0,
        )
        self._pipes = _Pipes(self._process, path, stall_s)
        self._is_complete = False

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
        return self._process.pid

    def kill(self) -> None:
        """End the child from any thread: whoever iterates is told that it died."""
        if self._process.returncode is None:
            self._process.kill()

    def close(self) -> None:
        """End the child if it still runs, and reap it; calling again does nothing."""
        self.kill()
        self._process.wait()
        self._pipes.close()

    def _next_message(self) -> DecodeMessage:
        self._pipes.start_clock()
        try:
            line = self._pipes.read_line()
            return read_message(line, self._pipes.read_exactly, self._plan)
        except EOFError:
            raise self._death() from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DecoderCrashed(f"decoding {self._path.name} gave a garbled message: {error}") from error

    def _death(self) -> IndexingError:
        status = self._process.wait()
        name = self._path.name
        if status == -signal.SIGXCPU:
            return DecoderStalled(f"decoding {name} took more CPU time than a video of its length may")
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
        said = self._pipes.stderr_tail()
        return DecoderCrashed(
            f"the process that decoded {name} {how}: the file is damaged or needs too much memory"
            + (f" (it said: {said})" if said else "")
        )


class _Pipes:
    """Reads a child's stdout against a deadline, and drains its stderr meanwhile."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path, stall_s: float) -> None:
        self._stdout, self._stderr = _pipe(process.stdout), _pipe(process.stderr)
        self._name = path.name
        self._stall_s = stall_s
        self._deadline = 0.0
        self._buffer = bytearray()
        self._errors = bytearray()
        self._is_at_end = False
        self._selector = selectors.DefaultSelector()
        for pipe in (self._stdout, self._stderr):
            self._selector.register(pipe, selectors.EVENT_READ)

    def start_clock(self) -> None:
        self._deadline = time.monotonic() + self._stall_s

    def read_line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise ValueError(f"a header of more than {MAX_HEADER_BYTES} bytes")
            self._fill()
        return self._take(end + 1)

    def read_exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        return self._take(size)

    def stderr_tail(self) -> str:
        """Return the end of what the dead child wrote to stderr, on one line."""
        while self._stderr in {key.fileobj for key in self._selector.get_map().values()}:
            self._drain_stderr()
        text = self._errors.decode("utf-8", errors="replace")
        return " ".join(text.split())[-MAX_QUOTED_CHARACTERS:]

    def close(self) -> None:
        self._selector.close()
        self._stdout.close()
        self._stderr.close()

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _fill(self) -> None:
        """Wait for bytes of either pipe; raises EOFError at the end of stdout, DecoderStalled in vain."""
        ready = self._selector.select(max(0.0, self._deadline - time.monotonic()))
        if not ready:
            raise DecoderStalled(
                f"decoding {self._name} gave no sign of life for {self._stall_s:g} s and was stopped: "
                "the file is damaged"
            )
        for key, _ in ready:
            if key.fileobj is self._stderr:
                self._drain_stderr()
                continue
            chunk = os.read(key.fd, _CHUNK_BYTES)
            if not chunk:
                raise EOFError
            self._buffer += chunk

    def _drain_stderr(self) -> None:
        chunk = os.read(self._stderr.fileno(), _CHUNK_BYTES)
        if not chunk:
            self._selector.unregister(self._stderr)
        self._errors = (self._errors + chunk)[-MAX_STDERR_BYTES:]


def decode_clips(
    path: Path, plan: DecodePlan, limits: DecodeLimits | None = None, stall_s: float = STALL_S
) -> Decoding:
    """Start decoding the file at the absolute `path` in a child process; use as `with … as messages`.

    Iterating gives a VideoProbe, then DecodeProgress and DecodedClip in time order, then a DecodeSummary,
    and raises the IndexingError that says why the file is refused or the decoder died.
    """
    return Decoding(path, plan, limits or DecodeLimits(), stall_s)


def decode_frames(path: Path, plan: FramePlan) -> Decoding:
    """Start decoding frames of the file at the absolute `path`, as `decode_clips` does for clips.

    Iterating gives a VideoProbe, DecodeProgress, one DecodedFrames if the span shows anything, and a
    DecodeSummary that counts up to the end of the span.
    """
    return Decoding(path, plan, DecodeLimits(), STALL_S)


def decode_clip(path: Path, plan: ClipPlan) -> Decoding:
    """Start decoding the pictures of one clip of the file at the absolute `path`, as `decode_frames` does."""
    return Decoding(path, plan, DecodeLimits(), STALL_S)


def child_environment() -> dict[str, str]:
    """Return the child's variables: no secrets, and few threads, as each reserves address space."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the child has no pipe: start it with stdout and stderr piped")
    return stream
