"""The programs that measure searches, from start to end on a tiny library: that they run, not how fast."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from app.benchmark.latency import measure_latency
from app.benchmark.latency_report import LatencyReport, latency_table
from app.benchmark.load_report import load_table
from app.benchmark.load_test import LoadPlan, measure_load
from app.benchmark.synthetic_library import LibrarySize
from tests.synthetic_video import write_two_scenes
from tests.tiny_checkpoint import write_tiny_checkpoint

SIZE = LibrarySize(clips=210, segments=2)

pytestmark = pytest.mark.timeout(300)  # half a dozen processes, each of which loads torch


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("library")


@pytest.fixture(scope="module")
def latency(home: Path, checkpoint: str) -> LatencyReport:
    return measure_latency(home, checkpoint, SIZE, repeats=5)


def test_searches_are_timed_beside_the_plain_implementation(latency: LatencyReport) -> None:
    assert (latency.clips, latency.index, latency.recall_at_10) == (210, "flat", 1)
    assert [way.name for way in latency.ways] == [
        "plain, new words",
        "new words",
        "words asked before",
        "no search: /health",
    ]
    for way in latency.ways[:3]:
        assert 0 < way.in_process["total"] < way.p50 <= way.p99
    assert latency_table(latency).row_count == 4


def test_a_library_of_another_size_is_refused(latency: LatencyReport, home: Path, checkpoint: str) -> None:
    with pytest.raises(ValueError, match="holds 210 clips, not 300"):
        measure_latency(home, checkpoint, LibrarySize(300), repeats=1)


def test_many_clients_search_while_a_folder_is_indexed(home: Path, checkpoint: str, tmp_path: Path) -> None:
    if find_spec("locust") is None:  # not imported here: it changes the standard library under everybody
        pytest.skip("locust comes with the dev extra")
    write_two_scenes(tmp_path / "film.mp4")
    report = measure_load(home, LoadPlan(tmp_path, [1, 3], seconds=2, size=SIZE, model=checkpoint))
    assert [level.clients for level in report.levels] == [1, 3]
    for level in report.levels:
        assert level.failures == 0
        assert level.requests > level.clients
        assert 0 < level.p50 <= level.p99
        assert set(level.p99_by_name) <= {"new words", "asked before"}
    assert load_table(report).row_count == 2
