"""A web server on the loopback that webhooks are sent to, plain or with TLS."""

import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

NAME = "hooks.example"


@dataclass
class Receiver:
    """What came, and how it is answered."""

    port: int = 0
    status: int = 204
    is_slow: bool = False
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def payloads(self) -> list[dict[str, Any]]:
        """Return the messages that came, in their order."""
        return [json.loads(body) for _path, _headers, body in self.received]

    def wait_for(self, count: int, within_s: float = 10.0) -> None:
        """Return when so many messages have come; raises TimeoutError."""
        give_up_at = time.monotonic() + within_s
        while len(self.received) < count:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"{len(self.received)} of {count} messages came: {self.payloads()}")
            time.sleep(0.01)


class _Server(ThreadingHTTPServer):
    """Hands every request to one receiver."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.receiver, self.is_over = receiver, threading.Event()

    def handle_error(self, *_: Any) -> None:
        """Say nothing of calls that end early."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        to = self.server.receiver
        body = self.rfile.read(int(self.headers["content-length"]))
        to.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        if to.is_slow:
            return self._dawdle()
        self.send_response(to.status)
        for name, value in to.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(to.body)
        return None

    def _dawdle(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.server.is_over.wait(0.02):
            self.wfile.write(b"a")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Yield a running receiver."""
    state = Receiver()
    server = _Server(state)
    state.port = server.server_port
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        yield state
    finally:
        server.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Return certificate and key, of NAME and signed by itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here to make a certificate with")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "2"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key
