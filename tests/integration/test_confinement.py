"""What a decoding child can still do once it is confined, tried in a real one."""

import json
import mmap
import os
import resource
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from indexer.decoding import file_access, syscall_filter
from indexer.decoding.limits import DecodeLimits
from indexer.decoding.messages import DecodeSummary
from indexer.decoding.plans import CutPlan, DecodePlan, Plan
from indexer.decoding.sandbox import Decoding
from indexer.decoding.spawner_pool import spawner_environment
from indexer.errors import IndexingError
from tests.decoders import CONFINED, children_after, children_that
from tests.synthetic_video import write_plain

PLAN = DecodePlan(image_size=32, resize_mode="shortest", frames_per_clip=12)

WITHOUT_CALL = {
    "tcp": "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
    "udp": "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
    "unix": "socket.socket(socket.AF_UNIX)",
    "netlink": "socket.socket(16, socket.SOCK_RAW)",
    "pair": "socket.socketpair()",
    "exec": "os.execv('/bin/true', ['true'])",
    "fork": "os.fork()",
    "vfork": "os.posix_spawn('/bin/true', ['true'], {})",
    "program": "subprocess.run(['/bin/true'], check=True)",
    "signal to parent": "os.kill(os.getppid(), 0)",
    "signal to thread of parent": "libc.tgkill(os.getppid(), os.getppid(), 0) and 1 / 0",
    "limits of parent": "resource.prlimit(os.getppid(), resource.RLIMIT_CPU)",
    "more memory": "resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
    "larger files": "resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))",
    "trace": "libc.ptrace(0, 0, 0, 0) and 1 / 0",
    "new code": "mmap.mmap(-1, 4096, prot=7)",
    "memory file": "os.memfd_create('x')",
    "change of root": "os.chroot('/')",
    "removal": "os.unlink(path)",
    "new name": "os.rename(path, str(path) + '2')",
    "new folder": "os.mkdir(str(path) + '2')",
    "rights": "os.chmod(path, 0)",
    "new file": "open(str(path) + '2', 'wb')",
    "writing the video": "open(path, 'r+b')",
}
WITHOUT_FILE = {
    "another file": "open(canary).read()",
    "passwords": "open('/etc/passwd').read()",
    "environment of parent": "open(f'/proc/{os.getppid()}/environ').read()",
    "folder": "os.listdir(os.path.dirname(path))",
}
POSSIBLE = {
    "the video": "open(path, 'rb').read(8)",
    "thread": "[t := threading.Thread(target=int), t.start(), t.join()]",
    "clock": "time.sleep(0.001)",
    "less CPU time": "resource.setrlimit(resource.RLIMIT_CPU, (50, 60))",
}

needs_filter = pytest.mark.skipif(not syscall_filter.is_available(), reason="no seccomp on this machine")
needs_landlock = pytest.mark.skipif(not file_access.version(), reason="no Landlock on this machine")


def tried(video: Path, attempts: dict[str, str], plan: Plan = PLAN, preparation: str = "") -> dict[str, str]:
    """Return what became of each attempt in a confined child: "done" or the name of the error."""
    canary = video.with_name("canary.txt")
    canary.write_text("sweet")
    body = f"""
        libc, canary, found = ctypes.CDLL(None), {str(canary)!r}, dict()
        for name, attempt in json.loads({json.dumps(attempts)!r}).items():
            try:
                exec(attempt)
                found[name] = "done"
            except BaseException as error:
                found[name] = type(error).__name__
        raise child.DecoderCrashed(json.dumps(found))
    """
    with children_that(body, CONFINED, preparation) as trying, pytest.raises(IndexingError) as told:
        list(Decoding(video, plan, spawners=trying))
    assert str(told.value).startswith("{"), told.value
    found: dict[str, str] = json.loads(str(told.value))
    return found


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Try everything once."""
    video = write_plain(tmp_path_factory.mktemp("videos") / "a.mp4", 1.0)
    return tried(video, WITHOUT_CALL | WITHOUT_FILE | POSSIBLE)


@needs_filter
@pytest.mark.parametrize("attempt", WITHOUT_CALL)
def test_the_child_cannot(outcome: dict[str, str], attempt: str) -> None:
    assert outcome[attempt] in ("OSError", "PermissionError", "ZeroDivisionError", "ValueError")


@needs_landlock
@pytest.mark.parametrize("attempt", WITHOUT_FILE)
def test_the_child_cannot_read(outcome: dict[str, str], attempt: str) -> None:
    assert outcome[attempt] in ("PermissionError", "FileNotFoundError")


@pytest.mark.parametrize("attempt", POSSIBLE)
def test_the_child_can(outcome: dict[str, str], attempt: str) -> None:
    assert outcome[attempt] == "done"


def test_each_attempt_would_succeed_outside(tmp_path: Path) -> None:
    """Else a refusal would show nothing."""
    path = write_plain(tmp_path / "a.mp4", 1.0)
    canary = tmp_path / "canary.txt"
    canary.write_text("sweet")
    names = {"path": path, "canary": canary, "os": os, "socket": socket, "subprocess": subprocess}
    names["mmap"] = mmap
    possible = ("tcp", "unix", "pair", "program", "signal to parent", "another file", "folder", "new code")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        for name in possible:
            exec((WITHOUT_CALL | WITHOUT_FILE)[name], names)


@needs_landlock
def test_a_child_that_cuts_may_write_the_cut_and_nothing_else(tmp_path: Path) -> None:
    video, target = write_plain(tmp_path / "a.mp4", 1.0), tmp_path / "cut.mp4"
    target.touch()
    attempts = {
        "cut": f"open({str(target)!r}, 'wb').write(b'1' * 1000)",
        "more than allowed": f"open({str(target)!r}, 'wb', buffering=0).write(b'1' * 1500)",
        "beside it": f"open({str(target)!r} + '2', 'wb')",
        "the video": "open(path, 'r+b')",
    }
    found = tried(video, attempts, CutPlan(str(target), 0.0, 1.0, 1000, 1920, 1080))
    assert found == {
        "cut": "done",
        "more than allowed": "done",
        "beside it": "PermissionError",
        "the video": "PermissionError",
    }
    assert target.stat().st_size == 1000


WITHOUT_LANDLOCK = "child.file_access.version = lambda: 0"
WITHOUT_FILTER = "child.syscall_filter.is_available = lambda: False"


@needs_filter
def test_without_landlock_the_filter_still_keeps_files_from_being_written(tmp_path: Path) -> None:
    names = ("tcp", "program", "signal to parent", "removal", "new file", "writing the video")
    attempts = {name: WITHOUT_CALL[name] for name in names}
    found = tried(write_plain(tmp_path / "a.mp4", 1.0), attempts, preparation=WITHOUT_LANDLOCK)
    assert set(found.values()) <= {"OSError", "PermissionError"}


@needs_landlock
def test_without_a_filter_landlock_still_keeps_files_from_being_opened(tmp_path: Path) -> None:
    attempts = WITHOUT_FILE | {
        name: WITHOUT_CALL[name] for name in ("removal", "new file", "writing the video")
    }
    found = tried(write_plain(tmp_path / "a.mp4", 1.0), attempts, preparation=WITHOUT_FILTER)
    assert set(found.values()) <= {"PermissionError", "FileNotFoundError"}


@pytest.mark.parametrize(
    "missing", [(WITHOUT_LANDLOCK,), (WITHOUT_FILTER,), (WITHOUT_LANDLOCK, WITHOUT_FILTER)]
)
def test_what_the_kernel_lacks_keeps_no_video_from_being_decoded_or_cut(
    tmp_path: Path, missing: tuple[str, ...]
) -> None:
    video, target = write_plain(tmp_path / "a.mp4", 1.0), tmp_path / "cut.mp4"
    target.touch()
    with children_after("\n".join(missing)) as children:
        for plan in (PLAN, CutPlan(str(target), 0.0, 1.0, 100_000, 1920, 1080)):
            assert isinstance(list(Decoding(video, plan, spawners=children))[-1], DecodeSummary)
    assert target.stat().st_size > 0


def test_limits_are_set_before_the_video_is_opened(tmp_path: Path) -> None:
    attempts = {
        f"{name} is {value}": f"assert resource.getrlimit(resource.RLIMIT_{name})[0] == {value}"
        for name, value in {"AS": 4 * 1024**3, "CPU": 120, "FSIZE": 0, "NOFILE": 64, "CORE": 0}.items()
    }
    assert set(tried(write_plain(tmp_path / "a.mp4", 1.0), attempts).values()) == {"done"}


def test_more_memory_than_allowed_is_not_to_be_had(tmp_path: Path) -> None:
    found = tried(write_plain(tmp_path / "a.mp4", 1.0), {"bomb": "bytearray(5 * 1024**3)"})
    assert found == {"bomb": "MemoryError"}


def test_the_cpu_limit_follows_the_length_and_is_final(tmp_path: Path) -> None:
    script = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from indexer.decoding.child import decode\nfrom indexer.decoding.plans import DecodePlan\n"
        "list(decode(Path(sys.argv[1]), DecodePlan(32, 'shortest', 12)))\n"
        "sys.stdout.write(str(resource.getrlimit(resource.RLIMIT_CPU)))\n"
    )
    path = write_plain(tmp_path / "a.mp4", 2.0)
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, env=spawner_environment()
    )
    assert done.stdout == str((120 + 2 * 30, 120 + 2 * 30 + 5)), done.stderr


def test_the_spawner_loads_no_model_and_no_database_and_starts_no_thread() -> None:
    script = (
        "import sys, threading\nfrom indexer.decoding import child, spawner\nchild.rehearse()\n"
        "from pathlib import Path\n"
        "print(len(list(Path('/proc/self/task').iterdir())), *sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=spawner_environment(), check=True
    )
    threads, *loaded = done.stdout.split()
    assert threads == "1", "a fork copies one thread only: the locks of the others would stay shut"
    assert not {"torch", "sqlalchemy", "faiss", "fastapi", "indexer.catalog"} & set(loaded)
    assert "scenedetect" in loaded


def test_the_default_limits_leave_room_for_what_people_film() -> None:
    assert DecodeLimits().memory_bytes >= 4 * 1024**3
    assert resource.RLIMIT_CPU == 0, "the filter of system calls names it by number"
