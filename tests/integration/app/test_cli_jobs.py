"""reelseek jobs, run in this process."""

import json
from pathlib import Path

import pytest

from app import cli
from indexer.catalog import jobs
from indexer.catalog.states import JobState
from indexer.catalog.tables import Job
from indexer.config import Settings
from indexer.library import open_library
from tests.factories import make_job, make_video


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the library's folder that the command line uses."""
    monkeypatch.setenv("REELSEEK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "home"


@pytest.fixture
def failed(home: Path) -> Job:
    """Return a job that failed."""
    library = open_library(Settings(home=home))
    with library.database.writing() as session:
        video = make_video()
        session.add(video)
        session.flush()
        job = make_job(
            video,
            state=JobState.FAILED,
            attempts=1,
            error_code="unsupported-codec",
            error_message="[red]a.mp4[/red] has none",
        )
        session.add(job)
    library.close()
    return job


def stored(home: Path, job: Job) -> Job:
    library = open_library(Settings(home=home))
    with library.database.reading() as session:
        found = jobs.get(session, job.id)
    library.close()
    assert found is not None
    return found


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit status of ``reelseek jobs``."""
    monkeypatch.setattr("sys.argv", ["reelseek", "jobs", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_jobs_are_listed_with_ids_to_copy_or_as_the_http_interface_answers(
    failed: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "list") == 0
    shown = capsys.readouterr().out
    assert failed.id in shown
    assert "unsupported-codec" in shown
    assert "1 job." in shown

    assert run(monkeypatch, "list", "--state", "failed", "--video", failed.video_id, "--json") == 0
    assert [job["id"] for job in json.loads(capsys.readouterr().out)["data"]] == [failed.id]

    assert run(monkeypatch, "list", "--state", "queued", "--state", "running") == 0
    assert "no such job" in capsys.readouterr().out


def test_a_failed_job_is_shown_with_its_reason_and_what_to_do(
    failed: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "show", failed.id) == 0
    shown = capsys.readouterr().out
    assert "[red]a.mp4[/red] has none" in shown
    assert "Convert the file to H.264" in shown


def test_a_failed_job_is_tried_again_and_then_cancelled(
    home: Path, failed: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "retry", failed.id) == 0
    assert stored(home, failed).state is JobState.QUEUED
    capsys.readouterr()

    assert run(monkeypatch, "cancel", failed.id, "--json") == 0
    assert json.loads(capsys.readouterr().out)["state"] == "cancelled"
    assert stored(home, failed).state is JobState.CANCELLED


def test_what_cannot_be_ordered_is_said_in_one_line(
    failed: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, said in {
        ("cancel", failed.id): "is failed already",
        ("show", "nothing"): "there is no job 'nothing'",
        ("list", "--cursor", "AAAA"): "is damaged or of another list",
    }.items():
        assert run(monkeypatch, *arguments) == 1
        shown = capsys.readouterr().err
        assert said in shown
        assert shown.count("\n") == 1
