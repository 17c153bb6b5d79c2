"""Warm spawners: imports are paid once, each video gets a fresh child, and nothing outlives its parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from indexer.decoding import spawner_pool
from indexer.decoding.limits import DecodeLimits
from indexer.decoding.messages import DecodeSummary
from indexer.decoding.plans import DecodePlan
from indexer.decoding.sandbox import decode_clips
from indexer.decoding.spawn_request import SpawnRequest, read_request
from indexer.decoding.spawner_pool import SpawnerPool, spawner_environment
from indexer.errors import DecoderCrashed, DecoderStalled
from tests.decoders import spawners_of, spawners_with
from tests.synthetic_video import write_plain

PLAN = DecodePlan(image_size=32, resize_mode="shortest", frames_per_clip=12)
WHO = "stream.write(json.dumps({'kind': 'error', 'code': 'x', 'message': f'{os.getpid()} {os.getppid()}'})"
WHO += ".encode() + b'\\n')"


def whose(pool: SpawnerPool) -> tuple[int, int]:
    """Return the process ids of a child and its spawner that do as WHO says."""
    with pytest.raises(DecoderCrashed) as told:
        list(decode_clips(Path("/who"), PLAN, spawners=pool))
    child, parent = str(told.value).split()
    return int(child), int(parent)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def still_runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while still_runs(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.02)


def test_each_video_has_a_fresh_child_of_the_same_spawner() -> None:
    with spawners_of(WHO) as pool:
        seen = [whose(pool) for _ in range(3)]
    assert len({child for child, _ in seen}) == 3
    assert len({parent for _, parent in seen}) == 1


def test_decodes_at_the_same_time_have_a_spawner_each(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mp4", duration_s=60.0, frame_rate=6.0)
    with spawners_with() as pool, decode_clips(path, PLAN, spawners=pool) as first:
        with decode_clips(path, PLAN, spawners=pool) as second:
            assert isinstance(list(second)[-1], DecodeSummary)
        assert isinstance(list(first)[-1], DecodeSummary)


def test_a_spawner_is_replaced_after_its_share_of_videos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawner_pool, "VIDEOS_PER_SPAWNER", 2)
    with spawners_of(WHO) as pool:
        parents = [whose(pool)[1] for _ in range(4)]
    assert parents[0] == parents[1] != parents[2] == parents[3]
    wait_until_gone(parents[0])


def test_a_spawner_that_died_in_its_sleep_is_replaced() -> None:
    with spawners_of(WHO) as pool:
        _, before = whose(pool)
        os.kill(before, signal.SIGKILL)
        _, after = whose(pool)
    assert after != before


def test_a_spawner_that_dies_at_work_costs_one_decode_and_takes_its_child_along() -> None:
    body = f"if path.name == 'who': {WHO}; return 0\n"
    body += "signal.signal(signal.SIGHUP, signal.SIG_IGN)\ntime.sleep(600)"
    with spawners_of(body) as pool:
        with decode_clips(Path("/a.mp4"), PLAN, DecodeLimits(silence_s=0.5), pool) as messages:
            spawner = int(Path(f"/proc/{messages.child_pid}/stat").read_text().split()[3])
            os.kill(spawner, signal.SIGKILL)
            with pytest.raises((DecoderCrashed, DecoderStalled)):  # at once where the kernel ends it
                list(messages)
        wait_until_gone(messages.child_pid)
        assert whose(pool)[1] != spawner


def test_a_signal_to_the_whole_service_is_left_to_the_parent(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mp4", duration_s=120.0, frame_rate=6.0)
    with spawners_with() as pool, decode_clips(path, PLAN, spawners=pool) as messages:
        spawner = int(Path(f"/proc/{messages.child_pid}/stat").read_text().split()[3])
        for number in (signal.SIGTERM, signal.SIGINT):
            for pid in (messages.child_pid, spawner):
                os.kill(pid, number)
        assert isinstance(list(messages)[-1], DecodeSummary)


def test_a_spawner_without_work_goes_and_the_next_decode_does_not_notice() -> None:
    body = f"def instead(path, plan, limits, stream):\n    {WHO}\nchild.run = instead\n"
    with spawners_with("spawner.IDLE_S = 0.1\n" + body) as pool:
        _, before = whose(pool)
        wait_until_gone(before)
        _, after = whose(pool)
    assert after != before


def test_a_spawner_that_cannot_start_is_an_error_of_the_decode() -> None:
    pool = SpawnerPool([sys.executable, "-c", "raise SystemExit(1)"])
    with pytest.raises(DecoderCrashed, match="could be started"):
        decode_clips(Path("/a.mp4"), PLAN, spawners=pool)


def test_no_file_stays_open(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mp4", 1.0)
    with spawners_with() as pool:
        list(decode_clips(path, PLAN, spawners=pool))
        before = open_files()
        for _ in range(5):
            list(decode_clips(path, PLAN, spawners=pool))
        assert open_files() == before


def test_many_threads_share_the_pool(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mp4", 1.0)
    ended: list[bool] = []
    with spawners_with() as pool:

        def decode() -> None:
            for _ in range(5):
                ended.append(isinstance(list(decode_clips(path, PLAN, spawners=pool))[-1], DecodeSummary))

        threads = [threading.Thread(target=decode) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ended == [True] * 15


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_spawner_and_child_end_with_a_parent_that_is_killed(tmp_path: Path, end: str) -> None:
    path = write_plain(tmp_path / "long.mp4", duration_s=120.0, frame_rate=6.0)
    script = (
        "import os, sys\nfrom pathlib import Path\n"
        "from indexer.decoding.plans import DecodePlan\n"
        "from indexer.decoding.sandbox import decode_clips\n"
        "decoding = decode_clips(Path(sys.argv[1]), DecodePlan(32, 'shortest', 12))\n"
        "messages = iter(decoding)\n"
        "next(messages)\n"
        "child = decoding.child_pid\n"
        "print(child, Path(f'/proc/{child}/stat').read_text().split()[3], flush=True)\n"
        f"{end}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, env=spawner_environment()
    )
    for pid in done.stdout.split():
        wait_until_gone(int(pid))
    assert len(done.stdout.split()) == 2, done.stderr


def test_the_spawner_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSEEK_DATABASE_URL", "postgresql://user:password@host/db")
    assert not [name for name in spawner_environment() if name.startswith("REELSEEK")]
    body = "sys.stderr.write(' '.join(os.environ)); return 3"
    with spawners_of(body) as telling, pytest.raises(DecoderCrashed, match="PYTHONPATH") as told:
        list(decode_clips(Path("/a.mp4"), PLAN, spawners=telling))
    assert "REELSEEK" not in str(told.value)


def test_a_request_comes_back_as_it_was() -> None:
    asked = SpawnRequest(Path("/with\nline \udcff.mp4"), PLAN, DecodeLimits(wait_s=2.5))
    assert read_request(asked.line().rstrip(b"\n")) == asked


@pytest.mark.allow_error_logs
def test_a_machine_that_cannot_confine_decoders_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    preparation = "child.syscall_filter.is_available = lambda: False\nchild.file_access.version = lambda: 0"
    path = write_plain(tmp_path / "a.mp4", 1.0)
    with spawners_with(preparation) as pool:
        for _ in range(2):
            assert isinstance(list(decode_clips(path, PLAN, spawners=pool))[-1], DecodeSummary)
            pool.close()
    [record] = [record for record in caplog.records if "protected by limits alone" in record.message]
    assert record.missing == ["files", "system_calls"]  # type: ignore[attr-defined]
