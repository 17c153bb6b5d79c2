"""What the garbage collector looks at."""

import gc

from app.garbage import spare_what_stays


def test_what_was_there_is_passed_by_and_what_comes_later_is_not() -> None:
    try:
        there: list[list[object]] = [[] for _ in range(1000)]
        spare_what_stays()
        assert gc.get_freeze_count() >= len(there)
        later: list[object] = []
        assert any(one is later for one in gc.get_objects())
        assert not any(one is there for one in gc.get_objects())
    finally:
        gc.unfreeze()
