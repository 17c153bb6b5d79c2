"""Two real models over one library, as a person goes from one to the other with the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app import cli
from indexer.batch.display import BatchDisplay
from indexer.batch.run import run_batch
from indexer.catalog.judgements import judge
from indexer.catalog.tables import Clip
from indexer.config import Settings
from indexer.folders.walk import walk_videos
from indexer.generation_models import open_serving
from indexer.library import open_library
from indexer.worker import Worker
from tests.synthetic_video import write_plain, write_two_scenes
from tests.tiny_checkpoint import write_tiny_checkpoint

WORDS = "something grey"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two checkpoints and a library indexed with the first, in which was judged."""
    for seed, name in enumerate(("first", "second")):
        write_tiny_checkpoint(tmp_path / name, seed)
    videos = tmp_path / "videos"
    videos.mkdir()
    write_plain(videos / "plain.mp4", 3)
    write_two_scenes(videos / "scenes.mp4")
    monkeypatch.setenv("REELSEEK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REELSEEK_MODEL", str(tmp_path / "first"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("indexer.reindexing.command.stop_on_sigterm", lambda: None)
    monkeypatch.setattr("indexer.reindexing.command.log_through", lambda *_: None)
    settings = Settings()
    library = open_library(settings)
    worker = Worker(library, open_serving(library.database, settings))
    assert run_batch(worker, list(walk_videos(videos)), BatchDisplay(Console(quiet=True))).indexed == 2
    with library.database.writing() as session:
        for number, clip in enumerate(session.query(Clip).order_by(Clip.video_id, Clip.ordinal).limit(2)):
            judge(session, WORDS, clip.id, is_relevant=number == 0)
    library.close()
    return tmp_path


class CommandLine:
    """The reelseek command, run in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def run(self, *arguments: str, code: int = 0) -> str:
        self._monkeypatch.setattr("sys.argv", ["reelseek", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        written = self._capsys.readouterr()
        assert (ended.value.code or 0) == code, written.out + written.err
        return " ".join((written.err if code else written.out).split())

    def read(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Return the command line."""
    return CommandLine(monkeypatch, capsys)


def test_a_library_goes_from_one_model_to_another_and_back(folder: Path, line: CommandLine) -> None:
    assert line.read("search", WORDS)["model"]["generation"] == 1
    built = line.run("reindex", "--preset", str(folder / "second"))
    assert "is built beside the one that serves: 2 videos to read" in built
    assert "Generation 2 has 2 videos and lacks 0." in built
    assert "2 read here, 0 could not be" in built

    measured = line.read("evaluate-library")
    assert [(one["generation"], one["is_in_use"]) for one in measured["generations"]] == [
        (1, True),
        (2, False),
    ]
    assert all(one["metrics"]["queries"] == 1 for one in measured["generations"])
    assert measured["generations"][1]["against_in_use"]["queries"] == 1
    compared = line.read("generations", "compare", "1", "2")
    assert (compared["overlap"]["queries"], compared["overlap"]["videos"]) == (1, 2)
    assert compared["overlap"]["share"] == 1.0  # so few clips are found by both
    assert (compared["lacking_in_one"]["count"], compared["lacking_in_other"]["count"]) == (0, 0)
    assert [one["generation"] for one in compared["judged"]] == [1, 2]
    shown = line.run("generations", "compare", "1", "2")
    assert "Of the first 10 hits, 100% are the same in both (mean of 1 recent queries" in shown

    promoted = line.run("generations", "promote", "2")
    assert promoted == f"Generation 2 ({folder / 'second'}) answers searches."
    assert line.read("search", WORDS)["model"] == {"preset": str(folder / "second"), "generation": 2}
    assert "goes on" in line.run("generations", "resume", "2")
    states = [(one["generation"], one["state"]) for one in line.read("generations", "list")]
    assert states == [(1, "retired"), (2, "serving")]
    assert "Generation 1" in line.run("generations", "rollback")
    assert line.read("search", WORDS)["model"]["generation"] == 1
    assert "vectors and a snapshot of" in line.run("generations", "retire", "2")
    assert "serves and has 2 videos" in line.run("reindex")  # what is to go on with is what serves


def test_wrong_orders_are_refused_with_the_way_out(folder: Path, line: CommandLine) -> None:
    assert "there is no generation 7" in line.run("generations", "promote", "7", code=1)
    assert "no generation served before this one" in line.run("generations", "rollback", code=1)
    assert "generation 1 answers searches: promote another" in line.run("generations", "retire", "1", code=1)
    assert "there is no model 'nothing'" in line.run("reindex", "--preset", "nothing", code=1)
    assert "no video is in a collection 'news'" in line.run("reindex", "--collection", "news", code=1)
    both = line.run("reindex", "--generation", "1", "--preset", "tiny", code=1)
    assert "--generation says which model it is" in both


def test_a_model_that_was_moved_is_found_where_the_settings_say_and_one_that_is_gone_is_missed(
    folder: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "first").rename(folder / "elsewhere")
    refused = line.run("search", WORDS, code=1)
    assert "the model of generation 1 cannot be loaded" in refused
    monkeypatch.setenv("REELSEEK_MODEL", str(folder / "second"))
    assert "put it back, name the place where it is now" in line.run("search", WORDS, code=1)
    monkeypatch.setenv("REELSEEK_MODEL", str(folder / "elsewhere"))
    assert line.read("search", WORDS)["model"] == {"preset": str(folder / "elsewhere"), "generation": 1}


def test_a_model_whose_weights_were_exchanged_begins_a_generation_of_its_own(
    folder: Path, line: CommandLine, caplog: pytest.LogCaptureFixture
) -> None:
    write_tiny_checkpoint(folder / "first", seed=7)
    answer = line.read("search", WORDS)
    assert answer["model"]["generation"] == 2
    assert answer["coverage"]["videos_of_other_models"] == 2
    assert "is another one than the one that made the vectors of generation 1" in caplog.text
    assert "Generation 2 serves and has 2 videos." in line.run("reindex")
    assert line.read("search", WORDS)["coverage"]["videos"] == 2


def test_settings_that_name_another_model_change_nothing_and_are_told_the_way(
    folder: Path,
    line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("REELSEEK_MODEL", str(folder / "second"))
    assert line.read("search", WORDS)["model"] == {"preset": str(folder / "first"), "generation": 1}
    assert caplog.text.count("to change the model, run reelseek reindex --preset") == 1
