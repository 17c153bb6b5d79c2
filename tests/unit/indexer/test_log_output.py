"""Which log records a person who runs a command gets to see."""

import subprocess
import sys

TELL = """
import logging
from indexer.log_output import log_to_standard_error

log_to_standard_error()
logging.getLogger("indexer.worker").info("worker started")
logging.getLogger("indexer.worker").debug("looked at the queue")
logging.getLogger("alembic.runtime").info("setup plugin")
logging.getLogger().info("Instantiating model architecture")
logging.getLogger("faiss.loader").warning("no AVX2")
"""


def test_our_own_events_are_told_and_of_other_libraries_only_warnings() -> None:
    told = subprocess.run([sys.executable, "-c", TELL], capture_output=True, text=True, check=True).stderr
    assert [line.partition(": ")[2] for line in told.splitlines()] == ["worker started", "no AVX2"]
