"""The end of a process whose parent has died, so that nothing trains on unseen.

The parent holds the other end of our standard input and writes nothing: when it dies, the pipe closes.
"""

import os
import threading

STANDARD_INPUT = 0
ENDED_BY_PARENT = 1


def end_with_parent() -> None:
    """Watch standard input from a thread, and end this process at once when it closes."""
    threading.Thread(target=_wait_for_end_of_input, name="parent-watch", daemon=True).start()


def _wait_for_end_of_input() -> None:
    while os.read(STANDARD_INPUT, 1):  # os.read, as a lock of sys.stdin would hang the interpreter's exit
        pass
    os._exit(ENDED_BY_PARENT)
