"""The reelseek command, run in this process with fake encoders."""

import dataclasses
import json
from pathlib import Path

import pytest
from rich.console import Console

from app import cli
from tests.fakes import ShortSightedEncoder, fake_encoders
from tests.service import open_service


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the library's folder that the command line uses."""
    monkeypatch.setenv("REELSEEK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("model.factory.load_encoders", lambda *_, **__: fake_encoders())
    return tmp_path / "home"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit status of the command line."""
    monkeypatch.setattr("sys.argv", ["reelseek", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_search_prints_a_table(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_service(home) as service:
        service.add_video(["a dog", "a cat"], title="Pets of [red]ours[/red]")
    assert run(monkeypatch, "search", "a cat", "--limit", "1") == 0
    shown = capsys.readouterr().out
    assert "Pets of [red]ours[/red]" in shown
    assert "0:04.0-0:08.0" in shown
    assert "0:06.5" in shown
    assert "1.000" in shown
    assert "2 clips of 1 video searched" in shown


def test_search_prints_the_answer_of_the_http_interface(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_service(home) as service:
        service.add_video(["a dog", "a cat"])
    assert run(monkeypatch, "search", "a cat", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["query"], [hit["start"] for hit in answer["data"]]) == ("a cat", [4.0, 0.0])


def test_search_in_an_empty_library_names_the_command_that_fills_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "search", "a cat") == 1
    shown = " ".join(capsys.readouterr().err.split())
    assert "python -m indexer.batch FOLDER" in shown
    assert "Traceback" not in shown


def test_search_says_when_videos_only_wait(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_service(home) as service:
        service.add_video([], state="pending")
    assert run(monkeypatch, "search", "a cat") == 1
    assert "python -m indexer.worker" in " ".join(capsys.readouterr().err.split())


def test_search_says_when_only_another_model_has_read_the_videos(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = fake_encoders()
    other = dataclasses.replace(fake, settings=dataclasses.replace(fake.settings, architecture="other"))
    with open_service(home, other) as service:
        service.add_video(["a cat"])
    assert run(monkeypatch, "search", "a cat") == 1
    shown = " ".join(capsys.readouterr().err.split())
    assert "1 video was indexed with another model" in shown
    assert "reelseek reindex" in shown


def test_search_says_below_the_table_how_much_of_a_long_query_was_read(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    encoders = dataclasses.replace(fake_encoders(), text=ShortSightedEncoder())
    monkeypatch.setattr("model.factory.load_encoders", lambda *_, **__: encoders)
    with open_service(home, encoders) as service:
        service.add_video(["a cat"])
    assert run(monkeypatch, "search", "a black cat sleeps on the sofa") == 0
    below = " ".join(capsys.readouterr().out.split()).partition("1 clip of 1 video searched")[2]
    assert "only the first 5 of 7 words were searched for, up to “…black cat sleeps on”" in below


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["search", " "], 2, "describe a moment"),
        (["search", "a cat", "--limit", "0"], 2, "--limit"),
        (["search"], 2, "WORDS"),
        (["serve", "--port", "0"], 1, "REELSEEK_PORT is 0"),
        (["serve", "--host", "no such host"], 1, "cannot listen on no such host"),
        (["dance"], 2, "dance"),
    ],
)
def test_a_wrong_command_line_is_told_so_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    said: str,
) -> None:
    assert run(monkeypatch, *arguments) == status
    shown = capsys.readouterr().err
    assert said in " ".join(shown.split())
    assert "Traceback" not in shown


def test_a_wrong_setting_is_named_as_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REELSEEK_WORKERS", "many")
    assert run(monkeypatch, "search", "a cat") == 1
    assert "REELSEEK_WORKERS is 'many'" in capsys.readouterr().err


def test_a_database_that_is_away_is_told_without_a_link_or_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REELSEEK_DATABASE_URL", "postgresql+psycopg://me@127.0.0.1:1/reelseek")
    assert run(monkeypatch, "search", "a cat") == 1
    shown = capsys.readouterr().err
    assert "The database failed: connection" in shown
    assert "sqlalche.me" not in shown


def test_a_long_path_is_never_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("app.cli.errors", Console(stderr=True, width=80))
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" / ("long" * 30)
    monkeypatch.setenv("REELSEEK_HOME", str(path))
    assert run(monkeypatch, "search", "a cat") == 1
    assert str(path) in capsys.readouterr().err
