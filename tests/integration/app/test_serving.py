"""``reelseek serve`` as processes see it: a port, a signal, an end."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from app.config import ServiceSettings
from app.serving import serve_until_stopped

PATIENCE_S = 90.0

# The real command with fake encoders: loading a model is not what is tested here.
SERVE = textwrap.dedent(
    """
    import sys
    from app import cli
    from model import factory
    from tests.fakes import fake_encoders
    factory.load_encoders = lambda *_, **__: fake_encoders()
    sys.argv = ["reelseek", "serve", "--workers", "0", "--port", sys.argv[1]]
    cli.main()
    """
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_it_answers(process: subprocess.Popen[bytes], url: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        assert process.poll() is None, "the service ended"
        assert time.monotonic() < give_up_at, "the service does not answer"
        try:
            with urlopen(url) as response:
                assert response.status == 200
                return
        except OSError:
            time.sleep(0.1)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_until_it_is_told_to_stop_and_ends_in_order(
    tmp_path: Path, ending: signal.Signals
) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "REELSEEK_HOME": str(tmp_path / "home"),
    }
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], env=environment, cwd=tmp_path)
    try:
        wait_until_it_answers(process, f"http://127.0.0.1:{port}/ready")
        process.send_signal(ending)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
    assert len(list((tmp_path / "home" / "index").iterdir())) == 1  # the snapshot of an orderly end


def test_a_port_in_use_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = ServiceSettings(home=tmp_path / "home", port=taken.getsockname()[1])
        before = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(ValueError, match=f"cannot listen on 127.0.0.1:{settings.port}"):
                serve_until_stopped(settings)
        finally:
            signal.signal(signal.SIGTERM, before)
    assert not (tmp_path / "home").exists()
