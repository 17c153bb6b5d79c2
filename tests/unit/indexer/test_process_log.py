"""What a command says on stderr."""

import subprocess
import sys

EVENTS = """
import logging
from indexer.process_log import log_to_stderr
log_to_stderr()
logging.getLogger("indexer.worker").info("ours")
logging.getLogger("faiss.loader").info("theirs")
logging.getLogger("faiss.loader").warning("their warning")
"""


def test_own_events_are_told_and_of_the_libraries_only_what_went_wrong() -> None:
    result = subprocess.run([sys.executable, "-c", EVENTS], capture_output=True, text=True, check=True)
    assert "indexer.worker: ours" in result.stderr
    assert "their warning" in result.stderr
    assert "theirs" not in result.stderr
