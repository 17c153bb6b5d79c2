"""Readers share the lock, a writer has it alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

from indexer.vector_index.read_write_lock import ReadWriteLock

PATIENCE_S = 0.2


def test_readers_hold_the_lock_together() -> None:
    lock = ReadWriteLock()
    together = threading.Barrier(3, timeout=10)

    def read(_: int) -> int:
        with lock.reading():
            return together.wait()

    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(read, range(3))) == [0, 1, 2]


def test_a_writer_waits_for_the_last_reader_and_keeps_new_ones_out() -> None:
    lock = ReadWriteLock()
    events: list[str] = []
    is_written = threading.Event()

    def write() -> None:
        with lock.writing():
            events.append("writing")
            is_written.wait(PATIENCE_S)
            events.append("written")

    def read() -> None:
        with lock.reading():
            events.append("read")

    with ThreadPoolExecutor(2) as threads:
        with lock.reading():
            writer = threads.submit(write)
            is_written.wait(PATIENCE_S)
            events.append("first reader leaves")
        while "writing" not in events:
            is_written.wait(0.01)
        threads.submit(read).result()
        writer.result()

    assert events == ["first reader leaves", "writing", "written", "read"]


def test_an_error_gives_the_lock_back() -> None:
    lock = ReadWriteLock()
    for hold in (lock.reading, lock.writing):
        try:
            with hold():
                raise RuntimeError
        except RuntimeError:
            pass

    with lock.writing():
        pass
