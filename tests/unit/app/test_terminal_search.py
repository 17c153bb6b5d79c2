"""Times as the terminal shows them."""

import pytest

from app.terminal_search import clock


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0:00.0"), (9.96, "0:10.0"), (59.99, "1:00.0"), (75.25, "1:15.2"), (3600.0, "1:00:00.0")],
)
def test_times_are_minutes_and_seconds_with_a_tenth(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
