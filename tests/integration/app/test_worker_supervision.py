"""Worker processes that live and die with the service; small stand-ins take the workers' place."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.worker_supervision import WorkerSupervisor, worker_environment
from indexer.config import Settings

PATIENT = "import time; time.sleep(600)"
PATIENCE_S = 60.0


def command(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def wait_until(is_so: Callable[[], object], what: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up_at, f"waited in vain until {what}"
        time.sleep(0.02)


def is_running(process_id: int) -> bool:
    """Return whether the process runs; one that is dead and not yet buried does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture(autouse=True)
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.worker_supervision.CHECK_EVERY_S", 0.02)
    monkeypatch.setattr("app.worker_supervision.FIRST_PAUSE_S", 0.1)


def test_as_many_workers_run_as_asked_for_and_none_afterwards() -> None:
    with WorkerSupervisor(2, os.environ, command(PATIENT)) as workers:
        process_ids = workers.process_ids
        assert len(process_ids) == 2
        assert all(is_running(process_id) for process_id in process_ids)
    assert not any(is_running(process_id) for process_id in process_ids)


def test_a_worker_that_dies_is_replaced() -> None:
    with WorkerSupervisor(1, os.environ, command(PATIENT)) as workers:
        (first,) = workers.process_ids
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: workers.process_ids not in ([], [first]), "another worker runs")


def test_a_worker_that_keeps_dying_is_started_ever_less_often(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    code = f"import time; open({str(starts)!r}, 'a').write(f'{{time.monotonic()}}\\n')"
    with WorkerSupervisor(1, os.environ, command(code)):
        wait_until(lambda: starts.exists() and len(starts.read_text().split()) >= 4, "it started four times")
    times = [float(moment) for moment in starts.read_text().split()]
    assert times[3] - times[2] >= 0.4  # 0.1, 0.2, 0.4 s of pause: a lower bound holds on any machine


def test_a_worker_that_ignores_the_end_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("app.worker_supervision.DRAIN_S", 0.2)
    deaf = tmp_path / "deaf"
    code = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"pathlib.Path({str(deaf)!r}).touch(); time.sleep(600)"
    )
    with WorkerSupervisor(1, os.environ, command(code)) as workers:
        (process_id,) = workers.process_ids
        wait_until(deaf.exists, "it is deaf")
    assert not is_running(process_id)


def test_workers_end_when_the_service_is_killed(tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(
        textwrap.dedent(
            f"""
            import pathlib, time
            from app.worker_process import end_with_parent
            end_with_parent()
            pathlib.Path({str(tmp_path / "ready")!r}).touch()
            time.sleep(600)
            """
        )
    )
    service = tmp_path / "service.py"
    service.write_text(
        textwrap.dedent(
            f"""
            import os, pathlib, sys, time
            from app.worker_supervision import WorkerSupervisor
            with WorkerSupervisor(1, os.environ, (sys.executable, {str(worker)!r})) as workers:
                pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(workers.process_ids[0]))
                time.sleep(600)
            """
        )
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    parent = subprocess.Popen([sys.executable, str(service)], env=environment)
    wait_until((tmp_path / "ready").exists, "the worker watches")
    process_id = int((tmp_path / "pid").read_text())
    assert is_running(process_id)
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_running(process_id), "the worker ended")


def test_workers_see_the_library_of_the_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = worker_environment(Settings(home=tmp_path, model="fast", max_video_bytes=5))
    assert "REELSEEK_DATABASE_URL" not in environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    seen = Settings()
    assert (seen.home, seen.model, seen.max_video_bytes) == (tmp_path, "fast", 5)
