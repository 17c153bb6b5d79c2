"""``python -m indexer.batch`` as typed: exit codes, what it prints, and a dry run that writes nothing."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from indexer.batch import __main__ as batch
from tests.fakes import fake_encoders
from tests.synthetic_video import write_not_a_video, write_plain


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a library that does not exist yet, for commands that use fake encoders."""
    monkeypatch.setenv("REELSEEK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REELSEEK_MODEL", "fake")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("model.factory.load_encoders", lambda *_, **__: fake_encoders())
    monkeypatch.setattr("indexer.batch.__main__.stop_on_sigterm", lambda: None)
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder for videos."""
    folder = tmp_path / "videos"
    folder.mkdir()
    return folder


def run(*arguments: str) -> Result:
    command = typer.Typer()
    command.command()(batch.main)
    return CliRunner().invoke(command, list(arguments))


def test_a_folder_that_does_not_exist_is_wrong_usage(home: Path, folder: Path) -> None:
    answer = run(str(folder / "nowhere"))
    assert answer.exit_code == 2
    assert f"{folder / 'nowhere'} is not a folder" in answer.output
    assert not home.exists()


@pytest.mark.parametrize("flags", [[], ["--dry-run"]])
def test_a_folder_without_videos_is_wrong_usage(home: Path, folder: Path, flags: list[str]) -> None:
    (folder / "notes.txt").write_text("no pictures here")
    answer = run(str(folder), *flags)
    assert answer.exit_code == 2
    assert "holds no video file" in answer.output
    assert not home.exists()


def test_settings_that_cannot_be_read_are_wrong_usage(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELSEEK_MAX_VIDEO_BYTES", "lots")
    answer = run(str(folder))
    assert answer.exit_code == 2
    assert "REELSEEK_MAX_VIDEO_BYTES is 'lots'" in answer.output
    assert "pydantic" not in answer.output


@pytest.mark.parametrize("flags", [[], ["--dry-run"]])
def test_a_file_that_is_no_database_is_wrong_usage(home: Path, folder: Path, flags: list[str]) -> None:
    write_plain(folder / "a.mp4", duration_s=1)
    home.mkdir()
    (home / "reelseek.db").write_bytes(b"not a database at all" * 100)
    answer = run(str(folder), *flags)
    assert answer.exit_code == 2
    assert "cannot be used (file is not a database): set REELSEEK_HOME" in answer.output


def test_a_database_that_is_away_is_a_failure_to_try_again(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plain(folder / "a.mp4", duration_s=1)
    monkeypatch.setenv("REELSEEK_DATABASE_URL", "postgresql+psycopg://me@127.0.0.1:1/reelseek")
    answer = run(str(folder))
    assert answer.exit_code == 1
    assert "The database failed: connection" in answer.output
    assert "Run the same command again" in answer.output


def test_exit_codes_tell_whether_all_were_indexed(home: Path, folder: Path) -> None:
    write_plain(folder / "a.mp4", duration_s=1)
    all_indexed = run(str(folder))
    assert (all_indexed.exit_code, "1 indexed, 0 already there, 0 failed" in all_indexed.output) == (0, True)

    write_not_a_video(folder / "bad.mp4")
    some_failed = run(str(folder))
    assert some_failed.exit_code == 1
    assert "0 indexed, 1 already there, 1 failed" in some_failed.output
    assert f"{folder / 'bad.mp4'}: not-a-video: " in some_failed.output


def test_a_file_over_the_size_limit_is_refused_with_the_setting_to_raise(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_plain(folder / "a.mp4", duration_s=1)
    monkeypatch.setenv("REELSEEK_MAX_VIDEO_BYTES", "100")
    answer = run(str(folder))
    assert answer.exit_code == 1
    assert f"file-too-large: it has {path.stat().st_size} bytes" in answer.output
    assert "REELSEEK_MAX_VIDEO_BYTES" in answer.output


def test_a_dry_run_says_what_there_is_to_do_and_writes_nothing(home: Path, folder: Path) -> None:
    write_plain(folder / "a.mp4", duration_s=36)
    (folder / "copy.mp4").write_bytes((folder / "a.mp4").read_bytes())
    write_not_a_video(folder / "bad.mp4")
    answer = run(str(folder), "--dry-run")
    assert answer.exit_code == 0
    assert "3 files: 1 to index, 1 already there, 1 that cannot be" in answer.output
    assert "To index: 0.6 min of video" in answer.output
    assert "Time: about 0:00:04, assuming 10× real time: nothing was indexed here yet" in answer.output
    assert "bad.mp4: not-a-video" in answer.output
    assert not home.exists()


def test_a_dry_run_of_a_library_in_use_takes_its_measured_speed(home: Path, folder: Path) -> None:
    write_plain(folder / "a.mp4", duration_s=2)
    run(str(folder))
    write_plain(folder / "b.mp4", duration_s=3)
    database = (home / "reelseek.db").read_bytes()
    answer = run(str(folder), "--dry-run")
    assert answer.exit_code == 0
    assert "2 files: 1 to index, 1 already there, 0 that cannot be" in answer.output
    assert "× real time measured in this library" in answer.output
    assert (home / "reelseek.db").read_bytes() == database


def test_a_dry_run_goes_by_the_model_that_serves_whatever_the_settings_name(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plain(folder / "a.mp4", duration_s=2)
    run(str(folder))
    assert "1 files: 0 to index, 1 already there" in run(str(folder), "--dry-run").output
    monkeypatch.setenv("REELSEEK_MODEL", "another")
    assert "1 files: 0 to index, 1 already there" in run(str(folder), "--dry-run").output
