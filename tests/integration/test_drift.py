"""``python -m model.evaluation.drift`` as typed, with the bundled model on short films."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from model.evaluation.drift import __main__ as drift
from tests.synthetic_video import write_not_a_video, write_plain, write_two_scenes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder for videos."""
    folder = tmp_path / "videos"
    folder.mkdir()
    return folder


def run(*arguments: str | Path) -> Result:
    command = typer.Typer()
    command.command()(drift.main)
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_reducers_are_compared_on_the_user_s_own_videos(folder: Path, tmp_path: Path) -> None:
    write_two_scenes(folder / "a.mp4")
    write_plain(folder / "b.mp4", duration_s=2.0)
    write_not_a_video(folder / "c.mp4")
    report = tmp_path / "report.json"
    answer = run(folder, "--reducer", "frames:6", "--reducer", "pooling", "--json", report)
    assert answer.exit_code == 0, answer.output
    assert f"'{folder}/c.mp4': not-a-video: " in answer.output
    assert "3 clips of 2 videos, 12 frames each, encoded by tiny; 40 word queries" in answer.output
    assert "The first 1 of each ranking are compared and not the first 10" in answer.output
    assert "times as fast as unreduced" in answer.output
    written = json.loads(report.read_text())
    assert {row["reducer"].partition(":")[0] for row in written["reducers"]} == {"none", "frames", "pooling"}
    none = next(row for row in written["reducers"] if row["reducer"] == "none")
    assert none["speed_up"] == 1
    assert none["clip_cosine"]["least"] == pytest.approx(1)
    assert (none["words"]["overlap"], none["neighbours"]["rank_correlation"]) == (1, 1)
    speeds = [row["speed_up"] for row in written["reducers"]]
    assert speeds == sorted(speeds, reverse=True)
    assert written["refusals"][0]["path"] == str(folder / "c.mp4")


def test_queries_may_be_one_s_own(folder: Path, tmp_path: Path) -> None:
    write_two_scenes(folder / "a.mp4")
    (tmp_path / "queries.txt").write_text("a red wall\na blue wall\n")
    answer = run(folder, "--reducer=frames:6", "--queries", tmp_path / "queries.txt", "--limit-clips=2")
    assert answer.exit_code == 0, answer.output
    assert "2 clips of 1 videos, 12 frames each, encoded by tiny; 2 word queries" in answer.output


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nothing", "holds no video file"),
        ("one clip", "holds a single clip"),
        ("no video", "can be read, the first is refused as not-a-video"),
    ],
)
def test_a_folder_with_nothing_to_rank_is_wrong_usage(folder: Path, content: str, complaint: str) -> None:
    if content == "one clip":
        write_plain(folder / "a.mp4", duration_s=2.0)
    if content == "no video":
        write_not_a_video(folder / "a.mp4")
    answer = run(folder, "--reducer=frames:6")
    assert answer.exit_code == drift.WRONG_USAGE
    assert complaint in answer.stderr


def test_a_folder_that_does_not_exist_is_wrong_usage(folder: Path) -> None:
    answer = run(folder / "nowhere")
    assert (answer.exit_code, "nowhere is not a folder" in answer.stderr) == (drift.WRONG_USAGE, True)


def test_an_unknown_reducer_is_refused_before_a_video_is_read(folder: Path) -> None:
    answer = run(folder, "--reducer=centrclip")
    assert answer.exit_code == drift.WRONG_USAGE
    assert "'centrclip' is no known token reduction (did you mean centerclip?)" in answer.stderr


def test_a_reader_that_dies_is_told_apart_from_wrong_usage(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.evaluation.video_clips.COMMAND", ["false"])
    answer = run(folder, "--reducer=frames:6")
    assert answer.exit_code == drift.READING_FAILED
    assert "exited with status 1 before its last record" in answer.stderr
