"""Two thousand damaged videos, seeded: each ends with clips or a reason, in bounded time and memory."""

from pathlib import Path

import pytest

from tests.faults.byte_flips import MEMORY_CEILING, TIME_CEILING_S, fuzz
from tests.faults.fuzz_sources import render_sources, shared_sources

SEED = 6
MUTATIONS = 2000


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_thousands_of_damaged_videos_hold_every_ceiling(tmp_path: Path) -> None:
    sources = render_sources(tmp_path) + shared_sources()
    outcomes = list(fuzz(sources, tmp_path, MUTATIONS, SEED))
    assert len(outcomes) == MUTATIONS
    assert max(outcome.seconds for outcome in outcomes) < TIME_CEILING_S
    assert max(outcome.peak_memory_bytes for outcome in outcomes) < MEMORY_CEILING
    assert {outcome.result for outcome in outcomes} >= {"whole", "partly", "not-a-video", "no-frames"}
    assert not [outcome for outcome in outcomes if outcome.result == "decoder-stalled"]


@pytest.mark.timeout(120)
def test_some_damaged_videos_hold_every_ceiling(tmp_path: Path) -> None:
    outcomes = list(fuzz(render_sources(tmp_path), tmp_path, 48, SEED))
    assert max(outcome.seconds for outcome in outcomes) < TIME_CEILING_S
    assert max(outcome.peak_memory_bytes for outcome in outcomes) < MEMORY_CEILING
    assert len({outcome.result for outcome in outcomes}) > 1
