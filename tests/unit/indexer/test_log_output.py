"""Which log records a person who runs a command gets to see."""

import logging
import subprocess
import sys

from indexer.log_output import EventFormatter

TELL = """
import logging
from indexer.log_output import log_to_standard_error

log_to_standard_error()
logging.getLogger("indexer.worker").info("worker started")
logging.getLogger("indexer.worker").debug("looked at the queue")
logging.getLogger("alembic.runtime").info("setup plugin")
logging.getLogger().info("Instantiating model architecture")
logging.getLogger("faiss.loader").warning("no AVX2")
raised = {"msg": "no weights", "levelno": logging.ERROR, "pathname": "/lib/open_clip/factory.py"}
logging.getLogger().handle(logging.makeLogRecord(raised))
"""


def test_our_own_events_are_told_and_of_other_libraries_only_warnings_that_nobody_raises() -> None:
    told = subprocess.run([sys.executable, "-c", TELL], capture_output=True, text=True, check=True).stderr
    assert [line.partition(": ")[2] for line in told.splitlines()] == ["worker started", "no AVX2"]


def test_what_an_event_was_given_stands_behind_its_message() -> None:
    event = {
        "msg": "request %s",
        "args": ("failed",),
        "levelname": "ERROR",
        "request_id": "4f2",
        "reason": "no\nroom",
        "tries": 3,
    }
    line = EventFormatter("%(levelname)s: %(message)s").format(logging.makeLogRecord(event))
    assert line == "ERROR: request failed request_id=4f2 reason='no\\nroom' tries=3"


def test_an_event_that_was_given_nothing_is_its_message() -> None:
    record = logging.getLogger("indexer").makeRecord("indexer", logging.INFO, "a.py", 1, "done", (), None)
    assert EventFormatter("%(levelname)s %(asctime)s: %(message)s", "now").format(record) == "INFO now: done"
