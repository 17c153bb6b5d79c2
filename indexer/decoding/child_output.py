"""What a decoding child writes, read against deadlines."""

import os
import selectors
import time

from indexer.decoding.messages import MAX_HEADER_BYTES
from indexer.errors import DecoderStalled

MAX_STDERR_BYTES = 4096
"""Of what the child writes to stderr, the end is kept and the rest dropped."""

MAX_QUOTED_CHARACTERS = 500

_CHUNK_BYTES = 1 << 16


class ChildOutput:
    """Reads a child's messages, and drains what else it says meanwhile.

    Only the time spent waiting here counts: what the reader does between two messages is no fault of the
    child's.
    """

    def __init__(self, messages: int, errors: int, name: str, silence_s: float, wait_s: float) -> None:
        """Take the two open files, now ours, the video's name, and the seconds to wait at once and in all."""
        self._errors_file = errors
        self._files = [messages, errors]
        self._is_drained = False
        self._name = name
        self._silence_s = silence_s
        self.wait_s = wait_s
        """How long to wait in all; may be set once the child has said how long the video is."""
        self._waited_s = 0.0
        self._waiting_since = 0.0
        self._buffer = bytearray()
        self._errors = bytearray()
        self._selector = selectors.DefaultSelector()
        for file in self._files:
            self._selector.register(file, selectors.EVENT_READ)

    def start_clock(self) -> None:
        """Begin to wait for one message."""
        self._waiting_since = time.monotonic()

    def stop_clock(self) -> None:
        """Count the wait that `start_clock` began."""
        self._waited_s += time.monotonic() - self._waiting_since

    def read_line(self) -> bytes:
        """Return the next line; raises EOFError, DecoderStalled, and ValueError for a line without end."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise ValueError(f"a header of more than {MAX_HEADER_BYTES} bytes")
            self._fill()
        return self._take(end + 1)

    def read_exactly(self, size: int) -> bytes:
        """Return the next `size` bytes; raises EOFError and DecoderStalled."""
        while len(self._buffer) < size:
            self._fill()
        return self._take(size)

    def errors_tail(self) -> str:
        """Return the end of what the dead child wrote to stderr, on one line."""
        while not self._is_drained:
            self._drain_errors()
        text = self._errors.decode("utf-8", errors="replace")
        return " ".join(text.split())[-MAX_QUOTED_CHARACTERS:]

    def close(self) -> None:
        """Close both files; calling again does nothing."""
        self._selector.close()
        while self._files:
            os.close(self._files.pop())

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _fill(self) -> None:
        """Wait for bytes of either pipe; raises EOFError where messages end, DecoderStalled in vain."""
        waiting_s = time.monotonic() - self._waiting_since
        left_s = min(self._silence_s, self.wait_s - self._waited_s) - waiting_s
        # A child that dribbles bytes or only chatters is stuck as well, so the time is looked at first.
        ready = self._selector.select(left_s) if left_s > 0 else []
        if not ready:
            raise DecoderStalled(self._patience_lost())
        for key, _ in ready:
            if key.fd == self._errors_file:
                self._drain_errors()
                continue
            chunk = os.read(key.fd, _CHUNK_BYTES)
            if not chunk:
                raise EOFError
            self._buffer += chunk

    def _patience_lost(self) -> str:
        if self.wait_s - self._waited_s < self._silence_s:
            return (
                f"decoding {self._name} was waited for {self.wait_s:g} s in all, more than a video of its "
                "length may take, and was stopped: the file is damaged"
            )
        return (
            f"decoding {self._name} gave no sign of life for {self._silence_s:g} s and was stopped: "
            "the file is damaged"
        )

    def _drain_errors(self) -> None:
        chunk = os.read(self._errors_file, _CHUNK_BYTES)
        if not chunk:
            self._selector.unregister(self._errors_file)
            self._is_drained = True
        self._errors = (self._errors + chunk)[-MAX_STDERR_BYTES:]
