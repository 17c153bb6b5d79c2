"""From results by seed to figures, tables and a plot."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from model.training.comparison.plot import write_plot
from model.training.comparison.report import ComparisonReport, recall_at_1, recall_sum, step_s, summarise
from model.training.comparison.running import FailedPart
from model.training.comparison.tables import to_markdown
from tests.compared_parts import arm_speed, part_result

ARMS = ["none", "centerclip:B4-4,49", "frames:8"]


def report() -> ComparisonReport:
    results = [
        part_result("none", 0, recall_at_1=10, step_s=2.0),
        part_result("none", 1, recall_at_1=12, step_s=4.0),
        part_result("centerclip:B4-4,49", 0, recall_at_1=11, step_s=1.0),
        part_result("centerclip:B4-4,49", 1, recall_at_1=12, step_s=3.0),
    ]
    speeds = [arm_speed("none", 1.0), arm_speed("centerclip:B4-4,49", 1.5)]
    failures = (FailedPart("frames:8", 0, "ValueError: no room", "log.txt"),)
    settings: dict[str, object] = {"dataset": "pans", "preset": "tiny", "max_steps": None}
    return ComparisonReport(settings, {"threads": 1}, summarise(ARMS, results, speeds), failures)


def test_figures_are_means_and_deviations_over_the_seeds() -> None:
    none, reduced = report().arms
    assert none.over_seeds(recall_at_1).mean == 11
    assert none.over_seeds(recall_at_1).deviation == pytest.approx(2**0.5)
    assert reduced.over_seeds(recall_sum).mean == 69


def test_differences_and_ratios_are_taken_within_a_seed() -> None:
    reduced = report().arms[1]
    difference = reduced.difference(recall_at_1)
    assert difference is not None
    assert difference.mean == 0.5
    assert difference.deviation == pytest.approx(0.5**0.5)
    assert reduced.ratio(step_s) == pytest.approx((1 / 2 + 3 / 4) / 2)


def test_a_seed_that_the_unreduced_arm_lacks_is_left_out_of_differences() -> None:
    results = [part_result("none", 0), part_result("frames:8", 0), part_result("frames:8", 1, recall_at_1=90)]
    frames = summarise(ARMS, results, [])[1]
    difference = frames.difference(recall_at_1)
    assert difference is not None
    assert difference.mean == 0
    alone = summarise(ARMS, results[1:], [])[0]
    assert alone.difference(recall_at_1) is None
    assert alone.ratio(step_s) is None


def test_a_training_that_nobody_timed_has_no_ratio() -> None:
    results = [part_result("none", 0, step_s=0.0), part_result("frames:8", 0)]
    assert summarise(ARMS, results, [])[1].ratio(step_s) is None


def test_one_seed_has_no_deviation() -> None:
    assert summarise(ARMS, [part_result("none", 0)], [])[0].over_seeds(recall_at_1).deviation is None


def test_arms_that_did_not_do_the_same_work_are_told_of() -> None:
    assert report().unequal == []
    results = [part_result("none", 0), replace(part_result("frames:8", 0), steps=24)]
    told = ComparisonReport({}, {}, summarise(ARMS, results, []), ()).unequal
    assert told == ["not all parts had the same number of steps: 24, 25"]


def test_the_json_holds_every_seed_and_every_failure() -> None:
    values = json.loads(json.dumps(report().to_json()))
    assert [arm["arm"] for arm in values["arms"]] == ARMS[:2]
    assert [seed["test"]["text_to_video"]["recall_at_1"] for seed in values["arms"][0]["seeds"]] == [10, 12]
    assert values["failures"][0]["reason"] == "ValueError: no room"
    assert values["arms"][1]["speed"]["encoding_speedup"][0] == 1.5


def test_the_markdown_has_both_tables_and_what_failed() -> None:
    page = re.sub(" +", " ", to_markdown(report()))
    assert "| 66.0 ± 8.5 |" in page  # none: R-Sum 60 and 72
    assert "| +3.0 ± 4.2 |" in page
    assert "| 1.50× (1.40–1.60) |" in page
    assert "frames:8, seed 0: ValueError: no room" in page
    assert "max_steps" not in page
    rows = [line for line in page.splitlines() if line.startswith("| centerclip")]
    assert len(rows) == 2
    assert all(row.endswith("|") for row in rows)


def test_the_plot_is_a_picture_even_where_an_arm_has_no_baseline(tmp_path: Path) -> None:
    write_plot(report(), tmp_path / "comparison.png")
    alone = replace(report(), arms=summarise(ARMS, [part_result("frames:8", 0)], []))
    write_plot(alone, tmp_path / "alone.png")
    for name in ("comparison.png", "alone.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert len(list(tmp_path.iterdir())) == 2
