"""Parts one after the other: kept when finished, named when they fail."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from model.training.comparison.parent_watch import ENDED_BY_PARENT
from model.training.comparison.parts import RUN_FILE, Part, divide, run_from_json, run_of
from model.training.comparison.results import read_result, write_result
from model.training.comparison.running import only_one, run_parts
from tests.compared_parts import budget, part_result

ARMS = ["none", "centerclip:B4-4,49", "frames:8"]


class StandIn:
    """Finishes parts without training, and counts which were started."""

    def __init__(self, before: Callable[[Part], int] = lambda part: 0) -> None:
        self.started: list[tuple[str, int]] = []
        self._before = before

    def __call__(self, part: Part) -> int:
        status = self._before(part)
        self.started.append((part.arm, part.seed))
        if status == 0:
            write_result(part, part_result(part.arm, part.seed))
        return status


def quiet(told: str) -> None:
    """Tell nobody."""


def test_every_part_is_run_once_and_its_result_is_read_back(tmp_path: Path) -> None:
    parts = divide(ARMS, [0, 1], tmp_path)
    start = StandIn()
    ended = run_parts(parts, budget(), start, quiet)
    assert start.started == [(part.arm, part.seed) for part in parts]
    assert ended.results == tuple(part_result(part.arm, part.seed) for part in parts)
    assert ended.failures == ()


def test_a_part_finds_its_own_training_in_its_folder(tmp_path: Path) -> None:
    parts = divide(ARMS, [0, 1], tmp_path)
    run_parts(parts, budget(), StandIn(), quiet)
    for part in parts:
        assert run_from_json(json.loads((part.folder / RUN_FILE).read_text())) == run_of(part, budget())


def test_a_killed_comparison_goes_on_where_it_was(tmp_path: Path) -> None:
    parts = divide(ARMS, [0, 1], tmp_path)
    done = parts[:4]

    def die_at_the_fifth(part: Part) -> int:
        if part not in done:
            raise KeyboardInterrupt
        return 0

    with pytest.raises(KeyboardInterrupt):
        run_parts(parts, budget(), StandIn(die_at_the_fifth), quiet)
    start = StandIn()
    ended = run_parts(parts, budget(), start, quiet)
    assert start.started == [(part.arm, part.seed) for part in parts[4:]]
    assert len(ended.results) == len(parts)


def test_a_failed_part_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    def fail(part: Part) -> int:
        if part.arm == "frames:8":
            part.failure_file.write_text("ValueError: the loss is not a number\n")
            return 1
        return 0

    told: list[str] = []
    ended = run_parts(divide(ARMS, [0, 1], tmp_path), budget(), StandIn(fail), told.append)
    assert [(one.arm, one.seed) for one in ended.failures] == [("frames:8", 0), ("frames:8", 1)]
    assert ended.failures[0].reason == "ValueError: the loss is not a number"
    assert Path(ended.failures[0].log).parent == divide(["frames:8"], [0], tmp_path)[0].folder
    assert len(ended.results) == 4
    assert any("frames:8, seed 0: failed: ValueError" in line for line in told)


def test_a_failed_part_is_tried_again_by_the_same_command(tmp_path: Path) -> None:
    parts = divide(["none"], [0], tmp_path)
    assert run_parts(parts, budget(), StandIn(lambda part: 3), quiet).failures[0].reason == (
        "its process ended with exit status 3 and without a result"
    )
    assert run_parts(parts, budget(), StandIn(), quiet).failures == ()


def test_a_part_that_was_killed_says_by_what(tmp_path: Path) -> None:
    failures = run_parts(divide(["none"], [0], tmp_path), budget(), StandIn(lambda _: -9), quiet).failures
    assert "SIGKILL" in failures[0].reason
    assert "out of memory" in failures[0].reason


def test_a_part_that_ends_well_without_a_result_has_failed(tmp_path: Path) -> None:
    ended = run_parts(divide(["none"], [0], tmp_path), budget(), lambda part: 0, quiet)
    assert "without a result" in ended.failures[0].reason


def test_a_result_that_is_none_is_named(tmp_path: Path) -> None:
    part = divide(["none"], [0], tmp_path)[0]
    part.folder.mkdir(parents=True)
    part.result_file.write_text('{"arm": "none"}')
    with pytest.raises(ValueError, match=r"result\.json is no result of a comparison: delete it"):
        read_result(part)


def test_two_comparisons_cannot_share_a_folder(tmp_path: Path) -> None:
    refused = pytest.raises(ValueError, match="another comparison is at work")
    with only_one(tmp_path / "out"), refused, only_one(tmp_path / "out"):
        pytest.fail("the folder was held twice")
    with only_one(tmp_path / "out"):
        pass


def test_a_part_ends_with_the_comparison_that_started_it() -> None:
    watch = "from model.training.comparison.parent_watch import end_with_parent as watch; watch()"
    with subprocess.Popen(
        [sys.executable, "-c", f"{watch}; import time; print('up', flush=True); time.sleep(60)"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"up\n"
            assert process.poll() is None
            process.stdin.close()
            assert process.wait(timeout=30) == ENDED_BY_PARENT
        finally:
            process.kill()
