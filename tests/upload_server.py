"""A service with fake encoders in a process of its own, for tests that kill it or speak raw HTTP to it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn

from app.config import ServiceSettings
from app.dependencies import assemble_services
from app.listener import listen
from app.main import create_app
from indexer.library import open_library
from tests.fakes import fake_encoders

ROOT = Path(__file__).parent.parent
START_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class UploadServer:
    """A process that serves."""

    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it as a power cut would, but for what the operating system still writes."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def upload_server(home: Path, port: int) -> Iterator[UploadServer]:
    """Run the service over the library in ``home`` until the block ends."""
    command = [sys.executable, "-m", "tests.upload_server", str(home), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"})
    server = UploadServer(f"http://127.0.0.1:{port}", process)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(server):
            assert process.poll() is None and time.monotonic() < deadline, "it did not start"
            time.sleep(0.1)
        yield server
    finally:
        process.kill()
        process.wait()


def _answers(server: UploadServer) -> bool:
    try:
        return httpx.get(f"{server.url}/health").status_code == 200
    except httpx.TransportError:
        return False


def main() -> None:
    """Serve until somebody ends this process."""
    settings = ServiceSettings(home=Path(sys.argv[1]), port=int(sys.argv[2]), min_free_bytes=0)
    services = assemble_services(settings, open_library(settings), fake_encoders())
    config = uvicorn.Config(create_app(settings, services), log_config=None, lifespan="off")
    uvicorn.Server(config).run(sockets=[listen("127.0.0.1", settings.port)])


if __name__ == "__main__":
    main()
