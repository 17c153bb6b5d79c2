"""The words of searches, gathered in memory and written aside: no search waits for that.

They are what two generations are compared by; ``REELSEEK_RECENT_QUERIES`` says how many are kept.
"""

import logging
import threading
import time
from datetime import datetime
from time import monotonic

from indexer.background_work import BackgroundWork, IsStopped
from indexer.catalog import recent_queries
from indexer.catalog.columns import now
from indexer.catalog.session import Database

WRITE_EVERY_S = 30.0
"""Each commit empties what a search remembers of the catalog; a crash loses the words of so long."""

STEP_S = 0.1
"""How long the end of the service may have to wait for a look at the clock."""

log = logging.getLogger(__name__)


class RecentWords:
    """What was searched for lately; safe to use from many threads."""

    def __init__(self, database: Database, keep: int) -> None:
        """Keep the ``keep`` latest; none: nothing is gathered."""
        self._database, self._keep = database, keep
        self._known: dict[str, datetime] = {}
        self._asked: dict[str, datetime] = {}
        self._lock = threading.Lock()
        self._writing = BackgroundWork("recent-words")

    def note(self, text: str) -> None:
        """Remember that ``text`` was searched for; words that were written before are not written again."""
        words = " ".join(text.split())
        if not words or not self._keep:
            return
        with self._lock:
            if words not in self._known:
                self._known[words] = self._asked[words] = now()
                while len(self._known) > self._keep:
                    oldest = next(iter(self._known))
                    del self._known[oldest]
                    self._asked.pop(oldest, None)

    def start(self) -> None:
        """Begin to write now and then, for a service that stays."""
        self._writing.start(self._write_now_and_then)

    def write(self) -> None:
        """Write what was noted since the last time; what cannot be written now is kept for the next time."""
        with self._lock:
            asked, self._asked = self._asked, {}
        if not asked:
            return
        try:
            with self._database.writing() as session:
                recent_queries.remember(session, asked, self._keep)
        except Exception:  # searches are answered without it
            log.warning("the words of the last searches were not written", exc_info=True)
            with self._lock:
                self._asked = {**asked, **self._asked}

    def close(self) -> None:
        """Write what there is, and nothing afterwards."""
        self._writing.close()
        self.write()

    def _write_now_and_then(self, is_stopped: IsStopped) -> None:
        next_write = monotonic() + WRITE_EVERY_S
        while not is_stopped():
            time.sleep(STEP_S)
            if monotonic() >= next_write:
                next_write = monotonic() + WRITE_EVERY_S
                self.write()
