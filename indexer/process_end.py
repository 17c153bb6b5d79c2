"""How a process that indexes ends when it is told to: in order, once, and within seconds.

The signal raises KeyboardInterrupt in the work itself, which gives its job back on the way out.
"""

import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

DRAIN_S = 8.0
"""For giving a job back, a moment's work; if the database does not answer, the job is taken over instead.

Whoever sent the signal is promised ten seconds.
"""

FAILED = 1

log = logging.getLogger(__name__)


def stop_on_sigterm() -> None:
    """Let the first SIGTERM raise KeyboardInterrupt in the main thread, as Ctrl-C does, and start the clock.

    Those after it are ignored: a service manager may send one to each process beside that of our parent, and
    the second must not interrupt the giving back.
    """
    signal.signal(signal.SIGTERM, _stop)


def exit_at_once(code: int) -> NoReturn:
    """End the process without waiting for the batch that the encoder is at; its job has been given back."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    clock = threading.Timer(DRAIN_S, _give_up)
    clock.daemon = True
    clock.start()
    raise KeyboardInterrupt


def _give_up() -> None:
    log.warning("the job could not be given back in time; another worker takes it over")
    exit_at_once(FAILED)
