"""Baits that tell whether something took them: a file that is watched, a server on the loopback."""

import ctypes
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_IN_OPEN, _IN_NONBLOCK = 0x20, 0o4000
_EVENT = struct.Struct("iIII")


class WatchedFile:
    """Counts how often a file was opened (Linux: inotify)."""

    def __init__(self, path: Path) -> None:
        """Watch the file at `path`."""
        self.path = path
        libc = ctypes.CDLL(None, use_errno=True)
        self._events = libc.inotify_init1(_IN_NONBLOCK)
        if libc.inotify_add_watch(self._events, os.fsencode(path), _IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), f"{path} cannot be watched")

    def openings(self) -> int:
        """Return how often it was opened since the last look."""
        told = b""
        with suppress(BlockingIOError):
            told = os.read(self._events, 65536)
        return len(told) // _EVENT.size

    def close(self) -> None:
        """Stop watching."""
        os.close(self._events)


@dataclass
class Baits:
    """A watched file, and a server's address with the paths that were asked of it."""

    file: WatchedFile
    port: int
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """An address of the server."""
        return f"http://127.0.0.1:{self.port}/bait.ts"

    def were_taken(self) -> bool:
        """Return whether anybody opened the file or asked the server since the last look."""
        asked, self.requests[:] = bool(self.requests), []
        return bool(self.file.openings()) or asked


@contextmanager
def baits(path: Path) -> Iterator[Baits]:
    """Watch the file at `path`, serve its bytes to whoever asks, and yield both."""
    content, asked = path.read_bytes(), list[str]()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    watched = WatchedFile(path)
    try:
        yield Baits(watched, server.server_port, asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        watched.close()
