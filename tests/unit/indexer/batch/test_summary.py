"""The figures at the end of a batch."""

import io

import pytest
from rich.console import Console

from indexer.batch.run import BatchResult
from indexer.batch.summary import show_result


@pytest.mark.parametrize(
    ("duration_s", "shown"),
    [(12, "0.2 min of video"), (3599, "60.0 min of video"), (5400, "1.50 h of video")],
)
def test_a_short_batch_is_told_in_minutes(duration_s: float, shown: str) -> None:
    told = io.StringIO()
    show_result(Console(file=told), BatchResult(indexed=1, duration_s=duration_s, elapsed_s=6.0))
    assert f"\n{shown} in 0:00:06 (" in told.getvalue()
