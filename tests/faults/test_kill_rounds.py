"""kill -9 of the service and its worker, at random and at each named point, under clients at work."""

import pytest

from tests.faults.kill_rounds import KillRounds, plan
from tests.faults.running_service import Home

ROUNDS = 50
SEED = 6


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_fifty_kills_lose_nothing_and_double_nothing(either_home: Home) -> None:
    kills = KillRounds(either_home, SEED)
    kills.run(ROUNDS)
    assert kills.wrong == []
    assert set(kills.tallies) == set(plan())


@pytest.mark.timeout(180)
def test_a_few_kills_lose_nothing_and_double_nothing(home: Home) -> None:
    kills = KillRounds(home, SEED)
    kills.run(2)
    assert kills.wrong == []
    assert kills.ledger.answers["accepted"] > 0
