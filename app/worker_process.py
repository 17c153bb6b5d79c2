"""``python -m app.worker_process``: an indexing worker that ends with the service which started it.

The service holds the other end of our standard input and writes nothing: when it dies, the pipe closes.
"""

import os
import signal
import threading

from indexer.worker import main

STANDARD_INPUT = 0


def end_with_parent() -> None:
    """Watch standard input from a thread and end this process, as SIGTERM does, when it closes."""
    threading.Thread(target=_wait_for_end_of_input, name="parent-watch", daemon=True).start()


def _wait_for_end_of_input() -> None:
    while os.read(STANDARD_INPUT, 1):  # os.read, as a lock of sys.stdin would hang the interpreter's exit
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    end_with_parent()
    main()
