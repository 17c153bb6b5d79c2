"""Wall clocks that somebody sets: a file tells a process by how many seconds its clock is wrong."""

import os
import time
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

from indexer.catalog import columns

CLOCK = "WRONG_CLOCK"
"""Environment variable: the file."""


def error_s() -> float:
    """Return by how much the clock is wrong now."""
    try:
        return float(Path(os.environ[CLOCK]).read_text() or 0)
    except (KeyError, FileNotFoundError):
        return 0.0


def jump_clocks() -> None:
    """Let the clocks of this process be wrong as the file says; the monotonic one stays right."""
    if CLOCK not in os.environ:
        return
    right = time.time
    time.time = lambda: right() + error_s()
    vars(columns)["datetime"] = WrongDatetime


class WrongDatetime(datetime):
    """A datetime whose ``now`` is wrong."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return the wrong time."""
        return cls.fromtimestamp(datetime.now(tz).timestamp() + error_s(), tz)
