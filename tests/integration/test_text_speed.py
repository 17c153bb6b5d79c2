"""The command that times text towers."""

import json

import pytest
import typer
from typer.testing import CliRunner, Result

from model.evaluation import text_speed
from model.evaluation.text_speed import TextSpeed, measure_text_speed
from model.text_runtime.onnx_graph import Precision


@pytest.fixture(scope="module")
def speeds() -> list[TextSpeed]:
    return measure_text_speed("tiny", repeats=1)


def run(*arguments: str) -> Result:
    command = typer.Typer()
    command.command()(text_speed.main)
    return CliRunner().invoke(command, arguments, env={"COLUMNS": "200"})


def test_the_ways_of_the_bundled_model_are_timed_and_judged(speeds: list[TextSpeed]) -> None:
    ways = {way.name: way for way in speeds}
    assert list(ways) == ["all places", "cut", *(f"ONNX Runtime, {precision}" for precision in Precision)]
    assert all(way.milliseconds.least > 0 for way in speeds)
    assert ways["all places"].times_as_fast == 1
    assert ways["cut"].agreement.cosine > 0.99999
    assert ways["ONNX Runtime, int8"].is_accepted


def test_figures_are_told_as_a_table_or_as_json(
    speeds: list[TextSpeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_speed, "measure_text_speed", lambda *_, **__: speeds)
    report = json.loads(run("--json").stdout)
    assert [way["name"] for way in report["ways"]] == [way.name for way in speeds]
    assert report["ways"][0]["agreement"]["overlap"] == 1
    table = run("--random").stdout
    assert table.startswith("tiny, random weights, ")
    assert table.count(" yes |") == sum(way.is_accepted for way in speeds)


def test_a_model_that_is_not_there_is_refused() -> None:
    answer = run("--preset", "huge")
    assert answer.exit_code == 2
    assert "there is no model 'huge'" in answer.stderr
