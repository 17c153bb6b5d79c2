"""Work beside a service: one piece at a time, given up when the service closes or the process ends."""

import subprocess
import sys
import threading
import time

from indexer.background_work import BackgroundWork, IsStopped

PATIENCE_S = 30


def wait_until_stopped(is_stopped: IsStopped) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_stopped() and time.monotonic() < deadline:
        time.sleep(0.001)


def test_closing_tells_the_work_to_stop_and_waits_until_it_has() -> None:
    work, has_begun, seen = BackgroundWork("work"), threading.Event(), list[bool]()

    def go_on(is_stopped: IsStopped) -> None:
        seen.append(is_stopped())
        has_begun.set()
        wait_until_stopped(is_stopped)
        seen.append(is_stopped())

    work.start(go_on)
    assert has_begun.wait(PATIENCE_S)
    work.close()
    assert seen == [False, True]


def test_work_begins_when_the_work_before_has_ended_and_never_after_closing() -> None:
    work, done = BackgroundWork("work"), list[int]()
    for number in range(5):
        work.start(lambda _, number=number: done.append(number))  # type: ignore[misc]
    work.close()
    assert done == list(range(5))
    work.start(lambda _: done.append(5))
    work.wait()
    work.close()
    assert done == list(range(5))


ENDS_UNCLOSED = """
import time
from indexer.background_work import BackgroundWork
def go_on(is_stopped):
    while not is_stopped():
        time.sleep(0.001)
    print("given up", flush=True)
BackgroundWork("work").start(go_on)
"""


def test_a_process_that_ends_without_closing_waits_for_the_work_to_give_up() -> None:
    command = [sys.executable, "-c", ENDS_UNCLOSED]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "given up\n", "")
