"""Names of processes, and whether they are still there."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from indexer.catalog.owners import is_gone, this_machine, this_process


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process of ours that waits."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_this_process_is_there_and_one_that_was_killed_is_not(child: subprocess.Popen[bytes]) -> None:
    name = f"{this_machine()}:{child.pid}:"
    assert not is_gone(this_process())
    assert not is_gone(name)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and nobody has buried it yet
    assert is_gone(name)
    child.wait()
    assert is_gone(name)


def test_another_process_that_was_given_the_same_pid_is_not_taken_for_the_owner() -> None:
    machine, pid, start = this_process().split(":")
    assert is_gone(f"{machine}:{pid}:{int(start) - 1}")  # as after a restart of a container


def test_what_cannot_be_seen_from_here_counts_as_there() -> None:
    for owner in (f"another~machine:{os.getpid()}:1", f"{this_machine()}:x:1", "of another version:1", ""):
        assert not is_gone(owner)
