"""Who holds a job: the name of a process, and whether a process of this machine is still there.

A name is ``machine:pid:start``. A pid alone is soon another process's, and inside a container it is nearly
always the same one; so the machine is told by its boot and its process namespace too, and the process by when
it started. Where the system does not tell these (no ``/proc``), a lease that is no longer renewed decides.
"""

import hashlib
import os
import socket
from functools import cache
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PROCESS_NAMESPACE = Path("/proc/self/ns/pid")

START_FIELD = 19
"""Of /proc/PID/stat, counted from the state that follows the name: clock ticks from boot to start."""


def this_process() -> str:
    """Return the name under which this process owns jobs."""
    return f"{this_machine()}:{os.getpid()}:{_stat(os.getpid())[1]}"


@cache
def this_machine() -> str:
    """Return what the names of all processes begin with that this process can see."""
    seen = f"{_text_of(BOOT_ID)} {_link_of(PROCESS_NAMESPACE)}"
    return f"{socket.gethostname()}~{hashlib.sha256(seen.encode()).hexdigest()[:8]}"


def is_gone(owner: str) -> bool:
    """Return whether ``owner`` is a process of this machine that has ended; False for what cannot be seen."""
    machine, _, process = owner.partition(":")
    pid, _, start = process.partition(":")
    if machine != this_machine() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # somebody else's process, perhaps with a pid that was ours
    state, started = _stat(int(pid))
    return state in {"Z", "X"} or (bool(start and started) and start != started)


def _stat(pid: int) -> tuple[str, str]:
    """Return the state of a process and when it started; empty where that is not told."""
    fields = _text_of(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (fields[0], fields[START_FIELD]) if len(fields) > START_FIELD else ("", "")


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _link_of(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""
